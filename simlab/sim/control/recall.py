"""Recall: the orders that the record of an episode has, met again where they were carried out."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from simlab.env.environment import Seat, TimeStep
from simlab.sim.control.order import BEFORE, DURING, Order
from simlab.sim.control.stagehand import Stagehand
from simlab.trace.history import Kept


class Recall:
    """Meets the recorded orders of an episode.

    An order that broke off an act meets the same act again: as the record has it next, the act has
    made all calls that it made then, and its next one is cut off. If it makes no more and ends by
    itself, its end waits for the order.

    Args:
        recorded: The orders in the order of the record, by step.
    """

    def __init__(self, recorded: Mapping[int, Sequence[Kept]]) -> None:
        self._recorded = recorded
        orders = [Order.of(kept.core.result) for each in recorded.values() for kept in each]
        self.steps = {Order.of(k.core.result).id: step for step in recorded for k in recorded[step]}
        """In which steps orders were carried out, by their ids."""
        self._coming = Counter((order.seat, order.nth) for order in orders if order.nth)
        self._stagehand: Stagehand | None = None
        self._events: dict[Seat, asyncio.Event] = {}
        self._listening: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    def serve(self, stagehand: Stagehand) -> None:
        """Begin to look on at the acts of a cast, if any of them is to be broken off."""
        self._stagehand = stagehand
        if self._coming:
            stagehand.cast.watch = self

    async def open(self, step: int, timestep: TimeStep) -> None:
        """Meet what was ordered at the top of a step, and begin to wait for what was after it."""
        assert self._stagehand is not None, "served before the first step"
        recorded = self._recorded.get(step, ())
        n_before = sum(kept.event.part.startswith(BEFORE) for kept in recorded)
        for _ in range(n_before):
            await self._meet(BEFORE, step, timestep)
        if n_during := len(recorded) - n_before:
            self._listening = asyncio.create_task(self._listen(n_during, step, timestep))
            self._listening.add_done_callback(self._take_failure)

    async def close(self) -> None:
        """See that all of a step was met.

        Raises:
            ReplayDivergence: It was not.
        """
        if self._listening is not None:
            listening, self._listening = self._listening, None
            await listening

    def cancel(self) -> None:
        """Wait for nothing any more."""
        if self._listening is not None:
            self._listening.cancel()

    def begun(self, seat: Seat) -> None:
        """See `simlab.sim.cast.Watch`."""
        self._wake(seat)

    async def settled(self, seat: Seat) -> None:
        """See `simlab.sim.cast.Watch`; an act that is to be broken off waits for it.

        Raises:
            ReplayDivergence: That never comes.
        """
        assert self._stagehand is not None, "served before the first step"
        while self._coming[seat, self._stagehand.cast.n_answered.get(seat, 0) + 1]:
            if self._failure is not None:
                raise self._failure
            await self._change(seat)

    def answered(self, seat: Seat) -> None:
        """See `simlab.sim.cast.Watch`."""
        self._wake(seat)

    async def _listen(self, n_orders: int, step: int, timestep: TimeStep) -> None:
        for _ in range(n_orders):
            await self._meet(DURING, step, timestep)

    async def _meet(self, at: str, step: int, timestep: TimeStep) -> None:
        """Carry the next recorded order out again, on the act that it broke off if it did."""
        assert self._stagehand is not None, "served before the first step"
        order = await self._stagehand.record(at, step)
        while not self._is_at_act(order):
            await self._change(order.seat)
        self._coming[order.seat, order.nth] -= 1
        self._stagehand.apply(order, at, step, timestep)
        self._wake(order.seat)

    def _is_at_act(self, order: Order) -> bool:
        """Whether a seat is at the act that an order broke off; true where it broke off none."""
        assert self._stagehand is not None, "served before the first step"
        cast = self._stagehand.cast
        n_begun = cast.n_answered.get(order.seat, 0) + (order.seat in cast.acting)
        return n_begun >= order.nth

    def _take_failure(self, listening: "asyncio.Task[None]") -> None:
        """Let nobody wait for an order that never comes."""
        if listening.cancelled() or listening.exception() is None:
            return
        assert self._stagehand is not None, "served before the first step"
        self._failure = listening.exception()
        for seat in self._stagehand.cast.acting:
            self._stagehand.cast.break_off(seat)
            self._wake(seat)

    async def _change(self, seat: Seat) -> None:
        event = self._events.setdefault(seat, asyncio.Event())
        event.clear()
        await event.wait()

    def _wake(self, seat: Seat) -> None:
        if seat in self._events:
            self._events[seat].set()
