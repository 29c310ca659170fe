"""Trainings that are killed anywhere, and gone on with."""

import json
import signal
from collections import Counter

import pytest
import yaml

from simlab.errors import ConfigError, RunDirectoryError
from simlab.sim.run import Run
from simlab.train.adapter import read_record
from simlab.train.launch import prepare_training, train
from simlab.train.observer import TrainingObserver
from tests.train.killed import train_until_interrupted, train_until_killed
from tests.train.trainings import run_of, training_of

pytestmark = pytest.mark.model

POINTS = [
    "call:2",  # the judge of harm is tried
    "record:0:trial",
    "call:10",  # the base is compared
    "call:70",  # round 1 collects
    "record:1:collect",
    "record:1:score",
    "record:1:select",
    "step:2",
    "rename:1",  # the candidate of round 1
    "record:1:train",
    "call:200",  # it is compared
    "record:1:evaluate",
    "record:1:gate",
    "rename:2",  # it is published
    "record:1:publish",
]


@pytest.fixture(autouse=True)
def _unsynced(disk_that_never_waits):
    """These tests end processes and never machines."""


def write_file(folder, weights, concurrency=1):
    """A training whose model notes its calls in the folder."""
    run = run_of(weights, calls_log=str(folder / "calls.jsonl"))
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(training_of({**run, "concurrency": concurrency})))
    return file


def outcome(out):
    """What a training came to: bytes of its versions, and its table without seconds."""
    versions = {
        f"{folder.name}/{path.name}": path.read_bytes()
        for folder in out.glob("agent@*")
        for path in folder.iterdir()
    }
    rows = json.loads((out / "table.json").read_text())
    kept = [{key: row[key] for key in row if not key.endswith("_s")} for row in rows]
    return versions, kept


def calls(folder):
    return Counter((folder / "calls.jsonl").read_text().splitlines())


@pytest.fixture(scope="module")
def unbroken(tiny_weights, tmp_path_factory):
    """A training that was not killed: its folder."""
    folder = tmp_path_factory.mktemp("unbroken")
    train(write_file(folder, tiny_weights), out=folder / "out")
    return folder


@pytest.mark.parametrize("point", POINTS)
def test_train_19_and_influence_18_killed_anywhere_it_ends_as_if_it_had_not_been(
    point, unbroken, tiny_weights, tmp_path
):
    file, out = write_file(tmp_path, tiny_weights), tmp_path / "out"

    assert train_until_killed(file, out, point) == -signal.SIGKILL
    for folder in out.glob("agent@*[0-9]"):
        assert read_record(folder) is not None
        assert len([*folder.iterdir()]) == 3
    train(file, out=out, resume=True)

    assert outcome(out) == outcome(unbroken / "out")
    again = calls(tmp_path) - calls(unbroken)
    assert not calls(unbroken) - calls(tmp_path)
    assert again.total() <= (2 if point.startswith("call") else 0)  # of the step that was cut off
    for name in ("collect", "evaluate"):
        runs = [Run(out / "rounds" / f"00{number}" / name) for number in (1, 2)]
        assert all(run.summary.n_ended == run.file.episodes for run in runs)


def test_train_19_killed_among_dialogues_that_go_on_at_once_it_ends_the_same(
    unbroken, tiny_weights, tmp_path
):
    file, out = write_file(tmp_path, tiny_weights, concurrency=4), tmp_path / "out"

    assert train_until_killed(file, out, "call:70") == -signal.SIGKILL
    train(file, out=out, resume=True)

    assert outcome(out) == outcome(unbroken / "out")
    assert not calls(unbroken) - calls(tmp_path)
    assert (calls(tmp_path) - calls(unbroken)).total() <= 8  # two a dialogue, of those cut off


def test_a_training_that_ctrl_c_has_stopped_ends_the_same(unbroken, tiny_weights, tmp_path):
    file, out = write_file(tmp_path, tiny_weights), tmp_path / "out"

    assert train_until_interrupted(file, out, 100) == 2
    begun = Run(out / "rounds" / "001" / "collect").log.ended()
    seen = []
    observer = TrainingObserver(on_episodes=lambda *counts: seen.append(counts))
    train(file, out=out, resume=True, observer=observer)

    assert 0 < len(begun) < 12
    assert seen[0] == (len(begun), 12), "those that are done are counted"
    assert outcome(out) == outcome(unbroken / "out")


def test_a_training_that_has_ended_is_gone_on_with_for_more_rounds_alone(
    unbroken, tiny_weights, tmp_path
):
    file, out = write_file(tmp_path, tiny_weights), tmp_path / "out"
    train(file, out=out, settings=["rounds=1"])
    asked = calls(tmp_path)

    train(file, out=out, settings=["rounds=1"], resume=True)
    assert calls(tmp_path) == asked
    train(file, out=out, settings=["rounds=2"], resume=True)

    assert outcome(out) == outcome(unbroken / "out")
    assert prepare_training(out, resume=True).file.rounds == 2
    with pytest.raises(ConfigError, match="begun with 2 rounds, got 1; on resuming they may only"):
        prepare_training(file, out=out, settings=["rounds=1"], resume=True)


def test_what_has_changed_since_is_named(unbroken, tmp_path, tiny_weights):
    out = unbroken / "out"
    file = write_file(tmp_path, tiny_weights)

    with pytest.raises(ConfigError, match=r"was begun with seed unset, got 7; to go on as it was"):
        prepare_training(unbroken / "small.yaml", out=out, seed=7, resume=True)
    with pytest.raises(ConfigError, match=r"was begun with select.fraction 0.5, got 0.25; "):
        prepare_training(file, out=out, settings=["select.fraction=0.25"], resume=True)
    with pytest.raises(RunDirectoryError, match="exists already; go on with it by --resume"):
        prepare_training(file, out=out)


def test_a_version_that_was_changed_is_found(tiny_weights, tmp_path):
    file, out = write_file(tmp_path, tiny_weights), tmp_path / "out"
    train(file, out=out)
    record = out / "agent@1" / "adapter.json"
    record.chmod(0o644)
    record.write_text(record.read_text().replace('"weights"', '"Weights"'))

    with pytest.raises(RunDirectoryError, match=r"phase collect in .*002 was made from inputs"):
        train(file, out=out, resume=True)


def test_a_training_is_held_by_one_process(unbroken):
    going = prepare_training(unbroken / "small.yaml", out=unbroken / "out", resume=True)

    with (
        going.directory.locked(),
        pytest.raises(RunDirectoryError, match="is in use by process"),
    ):
        going.run()
