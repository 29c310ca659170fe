"""Options of agents and judges are of the types that annotations say, before anything is made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from simlab.agents.llm import LlmAgent
from simlab.agents.rating_judge import RatingJudge
from simlab.agents.rubric_judge import RubricJudge
from simlab.agents.scripted import ScriptedAgent
from simlab.errors import ConfigError
from simlab.sim.option_types import check_types


class Unknown:
    """A class that pydantic does not know."""


@dataclass
class Haggler:
    """An agent of a user's own."""

    step: "int"
    where: Path = Path()
    mood: Literal["calm", "angry"] = "calm"
    bounds: tuple[float, float] = (0, 1)
    own: Unknown | None = None
    limit: int = None


class Elsewhere:
    """An agent whose annotations name what is not there."""

    def __init__(self, *, step: "Missing") -> None:  # noqa: F821
        self.step = step


@pytest.mark.parametrize(
    ("maker", "options"),
    [
        (LlmAgent, {"persona": "Ann", "reason": True, "memory": "list", "sampling": {"seed": 1}}),
        (LlmAgent, {"session": None, "memory": {"kind": "window"}}),
        (RatingJudge, {"question": "?", "scale": [1, 2.5], "min_mass": 0}),
        (RatingJudge, {"question": "?", "scale": {"no": 0, 1: 1}}),
        (RubricJudge, {"criteria": {"kind": "is kind"}, "points": [1, 3], "weights": {"kind": 2}}),
        (ScriptedAgent, {"actions": [{"price": 3}], "repeat": True}),
        (Haggler, {"step": 3, "where": "here", "mood": "angry", "bounds": [0, 2.5]}),
        (Haggler, {"own": 3, "limit": None, "another": 3}),
        (Elsewhere, {"step": "3"}),
        (lambda request: request, {"request": 3}),
        (object(), {"step": 3}),
    ],
)
def test_options_of_their_types_and_of_unknown_ones_are_let_through(maker, options):
    check_types("agent", maker, options)


@pytest.mark.parametrize(
    ("maker", "option", "value", "words"),
    [
        (LlmAgent, "reason", "nope", "input should be a valid boolean, got 'nope'"),
        (LlmAgent, "begin", "false", "input should be a valid boolean, got 'false'"),
        (LlmAgent, "goal", 42, "input should be a valid string, got 42"),
        (LlmAgent, "persona", 3, "input should be a valid string, got 3"),
        (LlmAgent, "persona", None, "input should be a valid string, got None"),
        (RatingJudge, "min_mass", True, "input should be a valid number, got True"),
        (RatingJudge, "scale", "12", "input should be an object, got '12'; scale: input should be"),
        (RubricJudge, "criteria", {"kind": 3}, "input should be a valid string, got 3"),
        (RubricJudge, "attempts", 2.0, "input should be a valid integer, got 2.0"),
        (Haggler, "step", "3", "input should be a valid integer, got '3'"),
        (Haggler, "mood", "glad", "input should be 'calm' or 'angry', got 'glad'"),
    ],
)
def test_an_option_of_another_type_is_refused_by_its_name(maker, option, value, words):
    with pytest.raises(ConfigError, match=f"^agent: {option}: {words}"):
        check_types("agent", maker, {option: value})
