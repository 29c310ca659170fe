"""What is ordered of a seat is refused before any episode is told, where it could not be made."""

import pytest

from simlab.errors import ControlError
from simlab.sim.config import checked
from simlab.sim.control.checks import Checks
from tests.sim.conftest import RELAY

FILE = {
    **RELAY,
    "cast": {
        "*": {"agent": "llm", "model": "small"},
        "bob": {"model": "small", "persistent": True},
    },
    "models": {"small": {"engine": "scripted"}, "other": {"engine": "person"}},
}

NO_EDITS = ((),)
"""Of one episode."""


def checks(*, has_hosts=False, **keys):
    return Checks(checked({**FILE, **keys}), has_hosts=has_hosts)


def test_what_could_be_made_passes():
    made = checks()

    made.require_seat("bob")
    made.require_changeable("ann")
    made.require_options("ann", {"persona": "bold"}, NO_EDITS)

    assert made.person_models({}) == {"other"}
    assert made.person_models({"person-1": {"engine": "person"}}) == {"other", "person-1"}


@pytest.mark.parametrize("key", ["agent", "judges", "tools", "persistent", "model"])
def test_what_names_code_or_others_cannot_be_edited(key):
    with pytest.raises(ControlError, match=f"'{key}' cannot be edited while the run goes on"):
        checks().require_options("ann", {key: "x"}, NO_EDITS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"personna": "bold"}, "personna"),
        ({"persona": 7}, "persona"),
        ({"max_tool_calls": "many"}, "max_tool_calls"),
    ],
)
def test_options_that_no_agent_takes_are_refused_by_their_names(options, words):
    with pytest.raises(ControlError, match=words):
        checks().require_options("ann", options, NO_EDITS)


@pytest.mark.parametrize(
    ("seat", "words"),
    [
        ("anna", r"there is no seat 'anna'; did you mean ann\?"),
        ("bob", "the agent in seat 'bob' is persistent"),
    ],
)
def test_a_seat_that_is_not_there_or_not_to_be_changed_is_refused(seat, words):
    with pytest.raises(ControlError, match=words):
        checks().require_options(seat, {"persona": "bold"}, NO_EDITS)
    with pytest.raises(ControlError, match=words):
        checks().swapped_model(seat, "small", NO_EDITS)


def test_a_model_of_the_run_needs_no_entry_and_a_new_one_gets_a_name_that_follows_from_its_own():
    known = checks().swapped_model("ann", "small", NO_EDITS)
    new = checks().swapped_model("ann", {"engine": "scripted", "latency_s": 1.0}, NO_EDITS)
    again = checks().swapped_model("ann", {"latency_s": 1.0, "engine": "scripted"}, NO_EDITS)
    other = checks().swapped_model("ann", {"engine": "scripted", "latency_s": 2.0}, NO_EDITS)

    assert known == {"options": {"model": "small"}, "models": {}}
    (name,) = new["models"]
    assert new["options"] == {"model": name}
    assert new == again
    assert new != other


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("smal", r"the run has no model 'smal'; did you mean small\?"),
        ({"engine": "os:system"}, "there is no engine 'os:system'"),
        ({}, "there is no engine None"),
        ({"engine": "scripted", "latncy_s": 1}, "latncy_s"),
        ({"engine": "scripted", "replicas": 2}, "has weights, which hosts share|replicas"),
    ],
)
def test_a_model_that_cannot_be_swapped_in_is_refused(model, words):
    with pytest.raises(ControlError, match=words):
        checks().swapped_model("ann", model, NO_EDITS)
