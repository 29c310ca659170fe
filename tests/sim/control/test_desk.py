"""Where orders of an episode come in, before a stagehand that only says what it was told to do."""

import asyncio
from types import SimpleNamespace

import pytest

from simlab.env.environment import ActionRequest, TimeStep
from simlab.errors import ControlError
from simlab.sim.control.desk import Desk
from simlab.sim.control.order import BEFORE, DURING, Order


class Stagehand:
    """Keeps what was carried out and noted."""

    def __init__(self, journal):
        self.journal = journal
        self.cast = SimpleNamespace(acting={}, is_said=lambda _seat: False)
        self.opened = []
        self.carried_out = []
        self.noted = []
        self.refused = ()

    def open(self, step):
        self.opened.append(step)

    def tell_leases(self):
        self.opened.append("told")

    async def carry_out(self, order, at, step, _timestep):
        self.carried_out.append((order.id, at, step))

    def note(self, _step, kind, data=None):
        self.noted.append((kind, data and data["why"]))

    def require_seat(self, order):
        if order.id in self.refused:
            raise ControlError("not this one")

    def require_fitting(self, order, request):
        assert order.args["text"]
        assert isinstance(request, ActionRequest)


class Clock:
    stood_s = 0.0

    def stand_still(self, seconds):
        self.stood_s += seconds


def asked(*seats, required=True):
    return TimeStep({seat: ActionRequest(required=required) for seat in seats}, {}, {}, {})


def desk_of(*, orders=(), paused=False, live=True):
    """A desk at the top of step 3, where ann is asked, and its stagehand."""
    went_live = asyncio.Event()
    journal = SimpleNamespace(
        episode=0,
        is_live=live,
        recorded=lambda _actor: {},
        wait_live=went_live.wait,
        live=went_live,
    )
    desk = Desk(journal, orders=orders, paused=paused)
    stagehand = Stagehand(journal)
    desk.serve(stagehand, Clock())
    desk.moment = (3, asked("ann"))
    return desk, stagehand


def order(kind="say", seat="ann", number="1"):
    return Order(number, kind, seat, {"text": "Hi."})


async def until(holds):
    while not holds():  # noqa: ASYNC110 - fakes set no events
        await asyncio.sleep(0)


async def test_an_episode_without_orders_is_not_busy_until_somebody_commands_it():
    desk, _ = desk_of()
    before = desk.busy

    desk.pause(paused=False)

    assert (before, desk.busy) == (False, True)


async def test_a_paused_episode_stands_at_the_top_of_its_step_takes_one_and_stands_again():
    desk, stagehand = desk_of(paused=True)
    standing = asyncio.create_task(desk.open())
    await until(lambda: desk.status().stands)
    desk.allow_steps(1)
    await standing
    again = asyncio.create_task(desk.open())
    await until(lambda: desk.status().stands)
    desk.pause(paused=False)
    await again

    assert [kind for kind, _ in stagehand.noted] == ["paused", "stepped", "paused", "resumed"]
    assert not desk.status().stands


async def test_what_is_ordered_while_it_stands_is_carried_out_before_the_step():
    desk, stagehand = desk_of(paused=True)
    standing = asyncio.create_task(desk.open())
    await until(lambda: desk.status().stands)

    step = await desk.take(order())
    edited = await desk.take(order("edit", "bob", "2"))
    desk.pause(paused=False)
    await standing

    assert (step, edited) == (3, 3)
    assert stagehand.carried_out == [("1", BEFORE, 3), ("2", BEFORE, 3)]


async def test_what_a_seat_says_at_its_act_is_carried_out_at_once_and_an_edit_waits():
    desk, stagehand = desk_of()
    await desk.open()
    stagehand.cast.acting["ann"] = ActionRequest()

    said = await desk.take(order())
    edited = await desk.take(order("edit", "ann", "2"))
    before = list(stagehand.carried_out)
    stagehand.cast.acting.clear()
    desk.moment = (4, asked("bob"))
    await desk.open()

    assert (said, edited) == (3, None)
    assert before == [("1", DURING, 3)]
    assert stagehand.carried_out[1:] == [("2", BEFORE, 4)]


async def test_an_order_that_was_done_is_not_done_twice():
    desk, stagehand = desk_of()
    stagehand.cast.acting["ann"] = ActionRequest()

    steps = [await desk.take(order()), await desk.take(order())]

    assert steps == [3, 3]
    assert len(stagehand.carried_out) == 1


@pytest.mark.parametrize(
    ("seat", "words"),
    [("bob", "seat 'bob' is not asked now, ann is"), ("ann", "has acted in this step already")],
)
async def test_what_cannot_be_said_now_is_refused_and_nothing_is_carried_out(seat, words):
    desk, stagehand = desk_of()

    with pytest.raises(ControlError, match=words):
        await desk.take(order(seat=seat))

    assert stagehand.carried_out == []


async def test_while_it_stands_a_seat_that_is_still_at_an_old_act_is_not_asked_and_says_nothing():
    desk, stagehand = desk_of(paused=True)
    stagehand.cast.acting["bob"] = ActionRequest()
    standing = asyncio.create_task(desk.open())
    await until(lambda: desk.status().stands)

    with pytest.raises(ControlError, match="seat 'bob' is not asked now, ann is"):
        await desk.take(order(seat="bob"))

    desk.pause(paused=False)
    await standing
    assert stagehand.carried_out == []


async def test_a_second_word_for_a_seat_in_one_step_is_refused():
    desk, stagehand = desk_of()
    stagehand.cast.acting["ann"] = ActionRequest()
    stagehand.cast.is_said = lambda _seat: True

    with pytest.raises(ControlError, match="was said already; say more in a later one"):
        await desk.take(order())


async def test_an_order_that_waited_and_cannot_be_carried_out_is_noted_and_the_next_one_is():
    desk, stagehand = desk_of(orders=[order("edit", "ann", "1"), order("edit", "bob", "2")])
    stagehand.refused = ("1",)

    await desk.open()

    assert stagehand.noted == [("refused", "not this one")]
    assert stagehand.carried_out == [("2", BEFORE, 3)]


async def test_a_word_that_waits_for_its_seat_waits_until_that_is_asked():
    desk, stagehand = desk_of(orders=[order(seat="bob")])
    await desk.open()
    before = list(stagehand.carried_out)
    desk.moment = (4, asked("bob"))
    await desk.open()

    assert before == []
    assert stagehand.carried_out == [("1", BEFORE, 4)]


async def test_in_the_midst_of_a_step_what_has_waited_is_done_kept_or_noted_as_refused():
    waited = [order(seat="bob"), order(number="2"), order("edit", "ann", "3")]
    desk, stagehand = desk_of(orders=waited, live=False)
    stagehand.refused = ("3",)
    stagehand.cast.acting["ann"] = ActionRequest()
    await desk.open()
    stagehand.journal.is_live = True
    stagehand.journal.live.set()
    await until(lambda: stagehand.noted)
    await desk.close()
    desk.moment = (4, asked("bob"))
    await desk.open()

    assert stagehand.noted == [("refused", "not this one")]
    assert stagehand.carried_out == [("2", DURING, 3), ("1", BEFORE, 4)]


async def test_what_waits_when_the_episode_ends_is_refused():
    desk, _ = desk_of(live=False)
    waiting = asyncio.create_task(desk.take(order()))
    await asyncio.sleep(0)

    desk.end()

    with pytest.raises(ControlError, match="episode 0 has ended, and takes no orders"):
        await waiting
    assert desk.status().step is None
