import asyncio

import pytest

from simlab.actors.parcel import WINDOW, Told
from simlab.actors.window import Window
from simlab.errors import HostDiedError


def test_so_many_messages_may_be_under_way_before_the_receiver_has_said_how_many_it_takes():
    window = Window()

    assert [window.open() for _ in range(WINDOW + 1)] == [True] * WINDOW + [False]


def test_credit_sets_how_many_may_be_under_way():
    window = Window()
    for _ in range(WINDOW):
        window.open()

    list(window.credit(WINDOW, room=2))

    assert [window.open() for _ in range(3)] == [True, True, False]


async def test_what_was_held_back_goes_in_order_once_there_is_credit():
    window = Window()
    for _ in range(WINDOW):
        window.open()
    letters = [Told("x", bytes([number])) for number in range(3)]
    sent = [asyncio.get_running_loop().create_future() for _ in letters]
    for letter, future in zip(letters, sent, strict=True):
        window.hold(letter, future)
    sent[1].cancel()

    assert list(window.credit(1, WINDOW)) == letters[:1]
    assert list(window.credit(1, WINDOW)) == letters[2:]


async def test_those_who_are_held_back_fail_with_the_window():
    window = Window()
    sent = asyncio.get_running_loop().create_future()
    window.hold(Told("x", b""), sent)

    window.fail("gone")

    with pytest.raises(HostDiedError, match="gone"):
        await sent


def test_a_window_is_empty_once_everything_was_taken_up():
    window = Window()
    window.open()
    assert not window.empty

    list(window.credit(1, WINDOW))

    assert window.empty
