"""The trainer that trials share."""

import os
import signal
import threading

import pytest

from simlab.errors import ConfigError, TrainingError
from simlab.models.weights import fingerprint
from simlab.sweep.swept import Base
from simlab.train.dataset import Dataset
from tests.train.conftest import labelled, options

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]


@pytest.fixture
def actor(ray_session):
    """A trainer in a process of its own."""
    from simlab.sweep.trainer_actor import start_trainer

    handle = start_trainer(gpus=0)
    yield handle
    ray_session.kill(handle)


@pytest.fixture
def shared(actor, tiny_weights):
    """The same, as trials have it."""
    from simlab.sweep.trainer_actor import SharedTrainer

    return SharedTrainer(actor, Base(str(tiny_weights), "float32", "cpu"))


@pytest.fixture
def dataset(tiny_weights):
    return Dataset(tuple(labelled(12)), fingerprint(tiny_weights))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_job_whose_process_dies_is_done_anew_and_gives_the_same(
    shared, actor, dataset, tmp_path, ray_session
):
    out, learning = tmp_path / "killed" / "agent@1", options("kto", epochs=20)
    job = threading.Thread(target=shared.train, args=(dataset, learning, out))

    job.start()
    while not (told := ray_session.get(actor.statistics.remote())).jobs:
        pass  # asked for, and not begun
    assert not out.exists()
    os.kill(told.pid, signal.SIGKILL)
    job.join()
    shared.train(dataset, learning, tmp_path / "whole" / "agent@1")

    after = ray_session.get(actor.statistics.remote())
    assert (after.pid != told.pid, after.loads, after.jobs) == (True, 1, 2)
    assert contents(out) == contents(tmp_path / "whole" / "agent@1")


def test_what_a_job_raises_is_raised_where_it_was_asked_for(shared, dataset, tmp_path):
    with pytest.raises(ConfigError, match="a dataset must hold a sample, got none"):
        shared.train(dataset.with_samples([]), options(), tmp_path / "agent@1")
    (tmp_path / "agent@2").mkdir()
    with pytest.raises(ConfigError, match="is there already, and a version never changes"):
        shared.train(dataset, options(), tmp_path / "agent@2")


def test_a_trainer_that_is_gone_for_good_is_told_and_not_waited_for(
    shared, actor, dataset, ray_session
):
    ray_session.kill(actor)

    with pytest.raises(TrainingError, match="the trainer has died in 4 of 4 jobs: "):
        shared.logprobs(dataset.samples)
