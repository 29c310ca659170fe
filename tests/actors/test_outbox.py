import asyncio
from collections.abc import AsyncIterator

import pytest

from simlab.actors.outbox import (
    BATCH_BYTES,
    BATCH_PARCELS,
    FULL_BYTES,
    FULL_PARCELS,
    IN_FLIGHT,
    Outbox,
)
from simlab.actors.parcel import WINDOW, Credited, GaveUp, Parcel, Told
from tests.actors.players import turns


class Ship:
    """Takes batches and lets them land when it is told."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, list[Parcel]]] = []
        self.landed = asyncio.Semaphore(0)

    async def __call__(self, number: int, parcels: list[Parcel]) -> None:
        self.batches.append((number, parcels))
        await self.landed.acquire()

    def land(self, n: int = 1) -> None:
        for _ in range(n):
            self.landed.release()


@pytest.fixture
async def ship() -> Ship:
    return Ship()


@pytest.fixture
async def outbox(ship: Ship) -> AsyncIterator[Outbox]:
    outbox = Outbox(asyncio.get_running_loop(), ship)
    yield outbox
    outbox.close()
    await turns(2)


async def test_what_comes_in_one_turn_of_the_event_loop_goes_in_one_batch(outbox, ship):
    for number in range(3):
        outbox.put(GaveUp(number))

    await turns(2)

    assert ship.batches == [(0, [GaveUp(0), GaveUp(1), GaveUp(2)])]


async def test_what_comes_while_batches_are_under_way_gathers_into_the_next(outbox, ship):
    for number in range(IN_FLIGHT + 3):
        outbox.put(GaveUp(number))
        await turns(2)
    assert len(ship.batches) == IN_FLIGHT

    ship.land()
    await turns(6)

    assert ship.batches[-1] == (IN_FLIGHT, [GaveUp(IN_FLIGHT + n) for n in range(3)])


async def test_a_batch_carries_so_many_parcels_and_no_more(outbox, ship):
    for number in range(BATCH_PARCELS + 1):
        outbox.put(GaveUp(number))

    await turns(2)

    assert [len(parcels) for _, parcels in ship.batches] == [BATCH_PARCELS, 1]


async def test_a_batch_is_closed_once_its_bodies_are_large_enough(outbox, ship):
    for _ in range(3):
        outbox.put(Told("x", bytes(BATCH_BYTES // 2)))

    await turns(2)

    assert [len(parcels) for _, parcels in ship.batches] == [2, 1]


@pytest.mark.parametrize(("n", "size"), [(FULL_PARCELS, 0), (2, FULL_BYTES // 2)])
async def test_senders_wait_while_too_much_is_to_be_sent(outbox, ship, n, size):
    for number in range(IN_FLIGHT):
        outbox.put(GaveUp(number))
        await turns(2)
    for _ in range(n):
        outbox.put(Told("x", bytes(size)))
    waiting = asyncio.create_task(outbox.wait_until_not_full())

    await turns(2)
    assert outbox.full
    assert not waiting.done()
    ship.land()
    await waiting

    assert not outbox.full


async def test_credit_rides_along_with_what_is_sent(outbox, ship):
    outbox.credit("slow", 1_000)
    await turns(2)
    assert ship.batches == []

    outbox.put(GaveUp(1))
    await turns(2)

    assert ship.batches == [(0, [Credited("slow", 1, 1_000), GaveUp(1)])]


@pytest.mark.parametrize(("room", "taken"), [(1_000, WINDOW // 2), (1, 1), (3, 2)])
async def test_credit_goes_alone_before_the_sender_has_used_up_its_window(
    outbox, ship, room, taken
):
    for _ in range(taken - 1):
        outbox.credit("slow", room)
    await turns(2)
    assert ship.batches == []

    outbox.credit("slow", room)
    await turns(2)

    assert ship.batches == [(0, [Credited("slow", taken, room)])]


async def test_a_closed_outbox_lets_senders_go_and_sends_nothing_more(outbox, ship):
    for _ in range(FULL_PARCELS):
        outbox.put(GaveUp(0))
    waiting = asyncio.create_task(outbox.wait_until_not_full())
    await turns(1)

    outbox.close()
    await waiting
    n_batches = len(ship.batches)
    outbox.put(GaveUp(1))
    await turns(3)

    assert len(ship.batches) == n_batches


async def test_waiting_until_empty_waits_for_what_is_under_way(outbox, ship):
    outbox.put(GaveUp(0))
    waiting = asyncio.create_task(outbox.wait_until_empty())
    await turns(3)
    assert not waiting.done()

    ship.land()

    await waiting
