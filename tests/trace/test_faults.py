"""Errors become data and come back, without running code that a log names."""

import pytest

from simlab.errors import ModelError, RecordedError
from simlab.trace.events import Fault
from simlab.trace.faults import error_of, fault_of


class OwnError(Exception):
    pass


def raised(error, *, cause=None):
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_a_fault_keeps_class_message_and_stack():
    fault = fault_of(raised(ValueError("no offer")))

    assert (fault.type, fault.message, fault.boundary) == ("ValueError", "no offer", "")
    assert fault.frames[-1][0::3] == (__file__, "raise error from cause")


class MuteError(Exception):
    def __str__(self):
        raise KeyError("words")


def test_a_fault_has_a_message_whatever_the_error_is_like():
    assert fault_of(ValueError(f"odd \ud800 {object()}")).message == "odd ? <object object>"
    assert "str() raised KeyError" in fault_of(MuteError()).message


def test_a_fault_without_frames_is_the_same_on_every_machine():
    assert fault_of(raised(ValueError("no")), frames=False) == Fault("ValueError", "no")


def test_an_error_that_knows_its_boundary_wins():
    assert fault_of(ModelError("overloaded"), boundary="agent").boundary == "model"
    assert fault_of(ValueError("no"), boundary="agent").boundary == "agent"


def test_causes_are_kept_and_hidden_contexts_are_not():
    with_cause = raised(ValueError("outer"), cause=KeyError("inner"))
    hidden = raised(ValueError("outer"))
    hidden.__context__, hidden.__suppress_context__ = KeyError("inner"), True

    assert fault_of(with_cause).cause.type == "KeyError"
    assert fault_of(hidden).cause is None


def test_causes_that_go_in_a_circle_are_cut():
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one

    fault = fault_of(one)

    assert (fault.cause.type, fault.cause.cause) == ("KeyError", None)


def test_long_chains_of_causes_are_cut():
    error = None
    for number in range(5000):
        later = ValueError(number)
        later.__cause__ = error
        error = later

    fault, n_links = fault_of(error), 0
    while fault is not None:
        fault, n_links = fault.cause, n_links + 1

    assert n_links == 16


def test_messages_with_lone_surrogates_are_kept():
    assert fault_of(ValueError("a\ud800")).message == "a?"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("ModelError", "overloaded"), ModelError("overloaded")),
        (Fault("KeyError", "x"), KeyError("x")),
        (Fault("OwnError", "x"), RecordedError("OwnError: x")),
        (Fault("SystemExit", "x"), RecordedError("SystemExit: x")),
        (Fault("print", "x"), RecordedError("print: x")),
        (Fault("Self", "x"), RecordedError("Self: x")),
        (Fault("UnicodeDecodeError", "x"), RecordedError("UnicodeDecodeError: x")),
        (Fault("RecordedError", "OwnError: x"), RecordedError("OwnError: x")),
    ],
)
def test_only_known_errors_come_back_as_themselves(fault, error):
    again = error_of(fault)

    assert (type(again), str(again)) == (type(error), str(error))


def test_an_error_of_ones_own_is_recorded_by_name():
    assert str(error_of(fault_of(OwnError("mine")))) == "OwnError: mine"
