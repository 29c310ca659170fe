from collections import deque
from types import MappingProxyType
from typing import Annotated

import numpy as np
import pytest

from simlab.env.environment import ActionRequest, TimeStep
from simlab.env.form import malformed

SEATS = ("ann", "bob")
ASK = ActionRequest(Annotated[int, "how many"])


def broken(**fields):
    return malformed(TimeStep(**fields), SEATS)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"requests": {"ann": ASK}, "wake": 0},
        {"requests": {"ann": ActionRequest(deadline=np.float32(2.5))}},
        {"observations": {"ann": ["hello"], "bob": ("hello",)}},
        {"observations": {"ann": deque([1])}},
        {"rewards": {"ann": 1, "bob": np.float32(0.5)}},
        {"rewards": {"ann": float("nan"), "bob": True}},
        {"ended": {"ann": "terminated", "bob": "truncated"}},
        {"ended": MappingProxyType({"ann": "terminated"})},
        {"info": {"ann": {"price": object()}}},
        {"wake": 3.5},
    ],
)
def test_what_the_protocol_allows_has_the_right_form(fields):
    assert broken(**fields) is None


@pytest.mark.parametrize(
    ("timestep", "words"),
    [
        (None, "expected a TimeStep, got None"),
        ("over", "expected a TimeStep, got 'over'"),
        ({}, "expected a TimeStep, got a value of type dict"),
    ],
)
def test_what_is_no_time_step_is_told_by_its_type(timestep, words):
    assert malformed(timestep, SEATS) == words


def test_a_coroutine_is_closed_and_told_with_its_remedy():
    async def step():
        return TimeStep()

    coroutine = step()

    assert malformed(coroutine, SEATS).endswith("define reset() and step() without 'async'")
    assert coroutine.cr_frame is None, "closed, so that Python does not warn of it"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"requests": ["ann"]},
            "requests must map seats to what is said of them, got a value of type list",
        ),
        ({"info": "x"}, "info must map seats to what is said of them, got 'x'"),
        (
            {"observations": {"ghost": ["boo"]}},
            "observations must be for seats of the world ('ann', 'bob'), got 'ghost'",
        ),
        ({"rewards": {0: 1.0}}, "rewards must be for seats of the world ('ann', 'bob'), got 0"),
        ({"requests": {"ann": "act"}}, "the request of 'ann' must be an ActionRequest, got 'act'"),
        (
            {"requests": {"ann": ActionRequest(deadline="noon")}},
            "the deadline of 'ann' must be a finite time in seconds, got 'noon'",
        ),
        (
            {"requests": {"ann": ActionRequest(space=3)}},
            "the space of 'ann' must be a model, dataclass, Literal, Enum, number, bool, str or "
            "Gymnasium space, got 3",
        ),
        (
            {"requests": {"ann": ActionRequest(refused=None)}},
            "refused of 'ann' must be left as it is, got None",
        ),
        (
            {"observations": {"ann": "hello"}},
            "observations of 'ann' must be a list, got 'hello'; put it into a list",
        ),
        (
            {"observations": {"ann": np.zeros(2)}},
            "observations of 'ann' must be a list, got a value of type ndarray; put it into a list",
        ),
        ({"rewards": {"ann": "five"}}, "the reward of 'ann' must be a number, got 'five'"),
        ({"rewards": {"ann": None}}, "the reward of 'ann' must be a number, got None"),
        (
            {"rewards": {"ann": 10**400}},
            "the reward of 'ann' must be a number, got a value of type int",
        ),
        (
            {"ended": {"ann": "finished"}},
            "the end of 'ann' must be one of ('terminated', 'truncated'), got 'finished'",
        ),
        (
            {"ended": {"ann": True}},
            "the end of 'ann' must be one of ('terminated', 'truncated'), got True",
        ),
        ({"info": {"ann": 3}}, "info of 'ann' must map names to facts, got 3"),
        ({"wake": "soon"}, "wake must be a finite time in seconds, got 'soon'"),
        ({"wake": float("inf")}, "wake must be a finite time in seconds, got inf"),
    ],
)
def test_a_wrong_form_is_told_with_what_was_expected_and_got(fields, words):
    assert broken(**fields) == words
