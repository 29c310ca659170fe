import inspect
import pickle

import pytest

import simlab.errors
from simlab.errors import (
    ConfigError,
    EpisodeError,
    IllegalAction,
    ModelError,
    RunDirectoryError,
    SimlabError,
    UnfitAnswerError,
)
from simlab.models.model import Usage

ERRORS = [
    error
    for _, error in inspect.getmembers(simlab.errors, inspect.isclass)
    if issubclass(error, SimlabError)
]


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_survives_pickling_with_its_class_and_message(error):
    again = pickle.loads(pickle.dumps(error("price must be at most 9000, got 12000")))

    assert type(again) is error
    assert again.message == str(again) == "price must be at most 9000, got 12000"


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_takes_one_message_and_nothing_else(error):
    with pytest.raises(TypeError):
        error()
    with pytest.raises(TypeError):
        error("one", "two")


def test_what_a_model_error_has_cost_survives_pickling():
    again = pickle.loads(pickle.dumps(ModelError.of("no logprobs", Usage(3, 4, attempts=2))))

    assert (again.message, again.usage) == ("no logprobs", Usage(3, 4, attempts=2))
    assert again.__cost__() == {"prompt_tokens": 3, "completion_tokens": 4, "attempts": 2}
    assert ModelError("nothing was asked").__cost__() == {}


def test_what_fails_an_episode_says_at_which_boundary():
    boundaries = {e.__name__: e.boundary for e in ERRORS if issubclass(e, EpisodeError)}

    assert boundaries == {
        "AgentFailedError": "agent",
        "DeadlineMissedError": "time-out",
        "EngineDiedError": "model",
        "EnvironmentStuckError": "environment",
        "EpisodeError": "episode",
        "HostKilledError": "host",
        "IllegalAction": "agent answer",
        "JudgeError": "judge",
        "LateCallError": "agent",
        "ModelError": "model",
        "PersonFailedError": "human",
        "PersonLateError": "human",
        "PersonLeftError": "human",
        "RecordedError": "effect",
        "ReplicaDiedError": "model",
        "UnfitAnswerError": "agent answer",
        "WorldFailedError": "environment",
    }


def test_a_wrong_run_directory_is_bad_input():
    assert issubclass(RunDirectoryError, ConfigError)
    assert not issubclass(ConfigError, EpisodeError)


def test_a_refusal_keeps_whose_action_it_was_and_the_answer_as_it_came():
    illegal = pickle.loads(pickle.dumps(IllegalAction.of("buyer", "too dear")))
    unfit = pickle.loads(pickle.dumps(UnfitAnswerError.of("{price", "no JSON")))

    assert (illegal.seat, illegal.message) == ("buyer", "too dear")
    assert (unfit.raw, unfit.message) == ("{price", "no JSON")
