import asyncio

import pytest

from simlab.actors.envelope import Envelope
from simlab.actors.mailbox import Mailbox


def envelope(message: str) -> Envelope:
    return Envelope(message, cell=None)  # type: ignore[arg-type] # no cell is needed to wait


def texts(envelopes: list[Envelope]) -> list[str]:
    return [envelope.message for envelope in envelopes]


def full_mailbox(held: str, *, waiting: str) -> tuple[Mailbox, list[asyncio.Future[None]]]:
    """A mailbox of one place, and what those wait on who line up for it, a letter each."""
    mailbox = Mailbox(1)
    mailbox.offer(envelope(held))
    rooms = [asyncio.get_running_loop().create_future() for _ in waiting]
    for text, room in zip(waiting, rooms, strict=True):
        mailbox.line_up(envelope(text), room)
    return mailbox, rooms


def test_messages_are_taken_in_the_order_in_which_they_came():
    mailbox = Mailbox(3)

    for text in "abc":
        assert mailbox.offer(envelope(text))

    assert texts([mailbox.take() for _ in range(3)]) == ["a", "b", "c"]


def test_a_full_mailbox_refuses_a_message_and_holds_those_it_has():
    mailbox = Mailbox(1)
    mailbox.offer(envelope("a"))

    assert not mailbox.offer(envelope("b"))

    assert len(mailbox) == 1


async def test_the_sender_who_waited_longest_takes_the_next_place_and_nobody_overtakes():
    mailbox, rooms = full_mailbox("a", waiting="bc")

    assert mailbox.take().message == "a"

    assert [room.done() for room in rooms] == [True, False]
    assert not mailbox.offer(envelope("newcomer"))
    assert texts([mailbox.take(), mailbox.take()]) == ["b", "c"]


async def test_a_sender_who_has_given_up_is_passed_over():
    mailbox, (gone, patient) = full_mailbox("a", waiting="bc")
    gone.cancel()

    mailbox.take()

    assert patient.done()
    assert mailbox.take().message == "c"
    assert not mailbox


async def test_clearing_takes_out_all_messages_and_lets_every_sender_go():
    mailbox, rooms = full_mailbox("a", waiting="bcd")

    assert texts(mailbox.clear()) == ["a", "b", "c", "d"]

    assert all(room.done() for room in rooms)
    assert not mailbox


def test_taking_from_an_empty_mailbox_is_an_error():
    with pytest.raises(IndexError):
        Mailbox(1).take()
