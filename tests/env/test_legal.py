from typing import Literal

import pytest

from simlab.env.environment import PASS, ActionRequest, TimeStep, Wait
from simlab.env.legal import EpisodeOverError, legal_actions
from simlab.errors import IllegalAction

MOVE = ActionRequest(Literal["left", "right"], legal=["left"])


def test_actions_come_fitted_and_in_seat_order():
    timestep = TimeStep({"b": MOVE, "a": MOVE})

    taken = legal_actions(timestep, {"b": " LEFT", "a": "left"})

    assert list(taken.items()) == [("a", "left"), ("b", "left")]


@pytest.mark.parametrize(
    ("actions", "seat", "reason"),
    [
        ({"a": "left", "c": "left"}, "c", r"expected an action of one of \('a', 'b'\), got 'c'"),
        ({"a": "left"}, "b", "expected an action of 'b', got none"),
        ({"a": "left", "b": "right"}, "b", "expected one of 'left', got 'right'"),
        ({"a": "left", "b": Wait()}, "b", "expected an action of 'b', got Wait"),
        ({"a": PASS, "b": "left"}, "a", "must act now, it cannot pass"),
    ],
    ids=str,
)
def test_a_refusal_names_the_seat_and_the_reason(actions, seat, reason):
    with pytest.raises(IllegalAction, match=reason) as caught:
        legal_actions(TimeStep({"a": MOVE, "b": MOVE}), actions)

    assert caught.value.seat == seat


def test_optional_seats_need_not_act():
    timestep = TimeStep({"a": MOVE, "b": ActionRequest(str, required=False)})

    assert legal_actions(timestep, {"a": "left"}) == {"a": "left"}


def test_time_may_pass_without_actions_where_the_world_set_a_time_for_it():
    assert legal_actions(TimeStep({"a": MOVE}, wake=5.0), {}) == {}


@pytest.mark.parametrize("actions", [{}, {"a": "left"}])
def test_interlab_21_stepping_what_is_over_raises(actions):
    with pytest.raises(EpisodeOverError, match="expected an episode under way, got actions"):
        legal_actions(TimeStep(), actions)
