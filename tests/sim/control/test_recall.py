"""Recorded orders are met again where they were carried out."""

import asyncio
from types import SimpleNamespace

import pytest

from simlab.env.environment import TimeStep
from simlab.errors import ReplayDivergence
from simlab.sim.control.order import BEFORE, DURING, Order
from simlab.sim.control.recall import Recall

NOTHING = TimeStep({}, {}, {}, {})


class Stagehand:
    """Meets the orders of a score, one after another."""

    def __init__(self, *orders):
        self.cast = SimpleNamespace(
            acting={}, n_answered={}, broken_off=[], break_off=self._break_off, watch=None
        )
        self.left = list(orders)
        self.applied = []

    async def record(self, _at, _step):
        if not self.left:
            raise ReplayDivergence("the record has no more")
        return self.left.pop(0)

    def apply(self, order, at, step, _timestep):
        self.applied.append((order.id, at, step))

    def _break_off(self, seat):
        self.cast.broken_off.append(seat)


def kept(order, at):
    core = SimpleNamespace(result=order.as_dict())
    return SimpleNamespace(core=core, event=SimpleNamespace(part=f"{at} 0"))


def recall_of(stagehand, recorded):
    recall = Recall(recorded)
    recall.serve(stagehand)
    return recall


def order(number, nth=0):
    return Order(number, "say", "ann", {"text": "Hi."}, nth)


async def test_what_was_ordered_at_the_top_of_a_step_is_met_there_and_in_no_other():
    first, second = order("1"), order("2")
    stagehand = Stagehand(first, second)
    recall = recall_of(stagehand, {2: [kept(first, BEFORE), kept(second, BEFORE)]})

    await recall.open(1, NOTHING)
    before = list(stagehand.applied)
    await recall.open(2, NOTHING)
    await recall.close()

    assert before == []
    assert stagehand.applied == [("1", BEFORE, 2), ("2", BEFORE, 2)]
    assert recall.steps == {"1": 2, "2": 2}
    assert stagehand.cast.watch is None, "no act was broken off, so nobody looks on"


async def test_what_broke_an_act_off_waits_for_that_act():
    broken = order("1", nth=2)
    stagehand = Stagehand(broken)
    recall = recall_of(stagehand, {0: [kept(broken, DURING)]})
    await recall.open(0, NOTHING)
    stagehand.cast.acting["ann"] = object()
    recall.begun("ann")
    await asyncio.sleep(0)
    before = list(stagehand.applied)

    stagehand.cast.n_answered["ann"] = 1
    recall.answered("ann")
    await recall.close()

    assert before == []
    assert stagehand.applied == [("1", DURING, 0)]
    assert stagehand.cast.watch is recall


async def test_an_act_that_ends_by_itself_waits_for_what_broke_it_off():
    broken = order("1", nth=1)
    stagehand = Stagehand(broken)
    recall = recall_of(stagehand, {0: [kept(broken, DURING)]})
    settling = asyncio.create_task(recall.settled("ann"))
    await asyncio.sleep(0)
    waited = not settling.done()

    await recall.open(0, NOTHING)
    stagehand.cast.acting["ann"] = object()
    recall.begun("ann")
    await recall.close()
    await asyncio.wait_for(settling, 5)

    assert waited


async def test_nobody_waits_for_an_order_that_never_comes():
    broken = order("1", nth=1)
    stagehand = Stagehand()
    stagehand.cast.acting["ann"] = object()
    recall = recall_of(stagehand, {0: [kept(broken, DURING)]})
    settling = asyncio.create_task(recall.settled("ann"))
    await asyncio.sleep(0)

    await recall.open(0, NOTHING)

    with pytest.raises(ReplayDivergence, match="the record has no more"):
        await asyncio.wait_for(settling, 5)
    with pytest.raises(ReplayDivergence):
        await recall.close()
    assert stagehand.cast.broken_off == ["ann"]
