import random

import numpy as np
import pytest

from simlab.env.contract import (
    EnvironmentContractError,
    WatchedWorld,
    difference,
    global_generators_restored,
    move_global_generators,
)
from simlab.env.environment import ActionRequest, SeatSpec, TimeStep


class Scripted:
    """Hands out the time steps that it was given."""

    def __init__(self, *timesteps):
        self.seats = {"a": SeatSpec(), "b": SeatSpec()}
        self.timesteps = iter(timesteps)

    def reset(self, seed, options=None):  # noqa: ARG002
        return next(self.timesteps)

    def step(self, actions, now=0.0):  # noqa: ARG002
        return next(self.timesteps)


def generators():
    return random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002


def test_a_difference_names_field_and_seat_and_both_sides():
    one = {"rewards": {"a": 1.0, "b": 2.0}, "wake": None}

    assert difference(one, one) is None
    assert difference(one, {**one, "wake": 5.0}) == "expected wake None, got 5.0"
    assert difference(one, {**one, "rewards": {"a": 1.0, "b": 3.0}}) == (
        "expected rewards of 'b' 2.0, got 3.0"
    )
    assert difference(one, {**one, "rewards": {"a": 1.0}}) == (
        "expected rewards of 'b' 2.0, got absent"
    )


def test_a_long_difference_is_cut():
    assert len(difference({"wake": "x" * 5000}, {"wake": "y" * 5000})) < 500


def test_arrays_spaces_and_marks_are_written_down_as_data():
    request = ActionRequest(bool, legal=[True])
    watched = WatchedWorld(Scripted(TimeStep({"a": request}, {"a": [np.arange(2), np.float32(1)]})))

    watched.reset(0, None)

    assert watched.plain[0]["observations"] == {"a": [[0, 1], 1.0]}
    assert watched.plain[0]["requests"]["a"]["space"] == {"type": "boolean"}
    assert watched.plain[0]["requests"]["a"]["default"] == "UNSET"


def test_each_episode_is_watched_anew():
    end = TimeStep(ended={"a": "terminated", "b": "truncated"})
    watched = WatchedWorld(Scripted(end, end))

    watched.reset(0, None)
    watched.reset(1, None)

    assert watched.steps == [end]


def test_an_ending_of_another_name_is_refused():
    watched = WatchedWorld(Scripted(TimeStep(ended={"a": "won", "b": "terminated"})))

    with pytest.raises(EnvironmentContractError, match=r"must be one of \('termi.*, got 'won'"):
        watched.reset(0, None)


def test_a_seat_that_ends_and_is_asked_at_once_is_refused():
    watched = WatchedWorld(Scripted(TimeStep({"a": ActionRequest()}, ended={"a": "terminated"})))

    with pytest.raises(EnvironmentContractError, match="a seat that ends must not be asked"):
        watched.reset(0, None)


@pytest.mark.parametrize("deadline", [float("inf"), float("nan"), "soon"])
def test_a_deadline_that_is_no_time_is_refused(deadline):
    watched = WatchedWorld(Scripted(TimeStep({"a": ActionRequest(deadline=deadline)})))

    with pytest.raises(EnvironmentContractError, match="the deadline of 'a' must be a finite time"):
        watched.reset(0, None)


def test_the_global_generators_are_put_back_after_an_error_as_well():
    before = generators()

    def disturb():
        with global_generators_restored():
            move_global_generators(2**63 - 1)
            raise KeyError(generators() != before)

    with pytest.raises(KeyError, match="True"):
        disturb()

    assert generators() == before
