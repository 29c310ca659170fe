"""Who has which seat or model, and who is asked."""

import pytest

from simlab.errors import ControlError
from simlab.sim.control.asked import Asked, Withdrawn
from simlab.sim.control.leased import Leased
from simlab.sim.control.people import People

SEAT = (0, "ann")


class Line:
    """A connection that keeps what it is sent."""

    def __init__(self):
        self.sent = []

    def send(self, line):
        self.sent.append(line)


def asked(number="1-0", episode=0, seat="ann", model=""):
    return Asked(id=number, episode=episode, seat=seat, model=model, what={"prompt": "?"})


def held(people, line, who="me", place=SEAT):
    people.hold(place, who, line)
    if isinstance(place, tuple):
        people.take_lease(Leased(*place, who, "agent", None))


def ids_of(line):
    return [told.get("withdrawn") or told["question"]["id"] for told in line.sent]


def test_only_whoever_has_a_seat_is_asked_for_it():
    people, mine, yours = People(), Line(), Line()
    held(people, mine)
    held(people, yours, "you", (0, "bob"))

    people.ask(asked())

    assert (ids_of(mine), ids_of(yours)) == (["1-0"], [])
    assert people.question_of("1-0", mine).seat == "ann"
    with pytest.raises(ControlError, match="does not wait for an answer from here"):
        people.question_of("1-0", yours)


def test_a_question_that_waits_is_shown_to_whoever_comes_and_withdrawn_once():
    people, line = People(), Line()
    people.ask(asked())
    held(people, line)

    people.show(SEAT)
    people.withdraw(Withdrawn("1-0"))
    people.withdraw(Withdrawn("1-0"))

    assert ids_of(line) == ["1-0", "1-0"]
    assert "withdrawn" in line.sent[1]


def test_a_seat_is_taken_by_one_name_which_may_come_back_on_another_connection():
    people, first, second = People(), Line(), Line()
    held(people, first)
    people.forget_connection(first)

    with pytest.raises(ControlError, match="seat 'ann' of episode 0 is taken by 'me', got 'you'"):
        people.require_free(SEAT, "you")
    people.require_free(SEAT, "me")
    people.ask(asked())
    held(people, second)
    people.show(SEAT)

    assert (ids_of(first), ids_of(second)) == ([], ["1-0"])


def test_an_end_of_an_earlier_lease_leaves_whoever_waits_for_the_next_one():
    people, line = People(), Line()
    held(people, line)

    people.hold(SEAT, "me", line)
    people.take_lease(Leased(*SEAT))
    people.take_lease(Leased(*SEAT, "me", "agent", None))
    people.ask(asked())

    assert ids_of(line) == ["1-0"]


def test_whoever_has_a_seat_is_asked_though_another_lease_of_theirs_was_refused():
    people, first, second = People(), Line(), Line()
    held(people, first)

    undo = people.hold(SEAT, "me", second)
    undo()
    people.ask(asked())

    assert (ids_of(first), ids_of(second)) == (["1-0"], [])


def test_a_model_is_anybodys_again_once_its_connection_is_gone():
    people, line = People(), Line()
    held(people, line, place="small")
    people.forget_connection(line)

    people.require_free("small", "you")
    with pytest.raises(ControlError, match="model 'small' was not taken from here"):
        people.require_holder("small", line)


def test_what_a_dead_host_asked_is_withdrawn_and_what_others_asked_waits():
    people, line = People(), Line()
    held(people, line)
    people.ask(asked("1-0"))
    people.ask(asked("11-0"))

    people.forget_host(1)

    assert ids_of(line) == ["1-0", "11-0", "1-0"]
    assert people.question_of("11-0", line)


def test_a_lease_that_is_over_or_of_an_episode_that_has_ended_is_in_force_no_more():
    people, line = People(), Line()
    held(people, line)
    held(people, line, place=(1, "bob"))

    people.take_lease(Leased(*SEAT))
    people.forget_episode(1)

    assert people.leases == []
    people.require_free(SEAT, "you")
