"""What the trainer computes again: of which episodes, and what is an alarm."""

import pytest

from simlab.sim.config import checked
from simlab.train.checks import Checks, spread
from simlab.train.plays import Plays
from simlab.train.states import States
from simlab.train.train_file import read_train_file
from tests.train.conftest import sample_of
from tests.train.trainings import run_of, training_of


class Counting:
    """A trainer that knows how many samples it was given, and thinks -1 of each token."""

    def __init__(self):
        self.n_samples = 0

    def logprobs(self, samples, adapter, *, micro_tokens):  # noqa: ARG002
        self.n_samples += len(samples)
        return [(-1.0,) * sample.n_targets for sample in samples]


def checks_of(trainer=None, check=None, **model):
    """The checks of a training whose model has some settings."""
    file = read_train_file(training_of(run_of("small", **model), check=check or {}))
    return Checks(file, Plays(file, {**file.run.cast}, States({}, {}, {}), "base"), trainer)


@pytest.mark.parametrize(
    ("model", "level"),
    [
        ({"engine": "vllm"}, 0.1),
        ({"engine": "vllm", "dtype": "float32"}, 1e-3),
        ({"engine": "transformers", "dtype": "bfloat16"}, 0.1),
        ({}, 1e-3),
    ],
)
def test_an_alarm_is_what_is_unusual_for_what_the_engine_computes_in(model, level):
    assert checks_of(**model).level == level
    assert checks_of(check={"level": 0.5}, **model).level == 0.5


def test_what_drifts_is_looked_for_in_what_the_version_has_drawn():
    trainer = Counting()
    own = [sample_of(first=n, role="assistant", version="learner") for n in range(3)]
    static = sample_of(first=3, role="assistant", version="")

    found = checks_of(trainer).drift([static, *own], "learner", None)

    assert trainer.n_samples == 3
    assert found.mean == 0.0


class Log:
    """A log of episodes that have all ended."""

    def __init__(self, n_episodes, failed=()):
        self._n_episodes, self._failed = n_episodes, frozenset(failed)

    def ended(self):
        return frozenset(range(self._n_episodes))

    def failed(self):
        return self._failed


class Played:
    """A run of which nothing is known but where its episodes began."""

    def __init__(self, resets, failed=()):
        self.file = checked({"world": "a:B", "cast": {"*": {}}, "resets": resets})
        self.log = Log(len(resets), failed)


def test_few_episodes_are_of_all_environments_and_of_as_many_states_as_there_are():
    states = [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]
    resets = [{"environment": env, "state": state} for env, state in states for _ in range(3)]

    assert spread(Played(resets))[:4] == [0, 6, 3, 9]
    assert spread(Played(resets, failed=[0]))[:4] == [3, 6, 1, 9]
