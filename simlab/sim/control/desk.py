"""The desk of an episode: where its orders come in, and those of its record are met again."""

import asyncio
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from simlab.env.environment import TimeStep
from simlab.errors import ControlError
from simlab.sim.clock import Clock
from simlab.sim.control.order import ACTOR, BEFORE, DURING, Order
from simlab.sim.control.recall import Recall
from simlab.sim.control.stagehand import Stagehand
from simlab.sim.control.status import EpisodeStatus
from simlab.trace.journal import Journal


@dataclass(slots=True, eq=False)
class _Waiting:
    """An order that waits until it is known whether it can be carried out."""

    order: Order
    taken: "asyncio.Future[int | None]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Desk:
    """Where the orders of one episode come in, are recorded, and are carried out.

    An order is an effect. Made at the top of a step or while a seat is at its act, it has its place
    in the record, and there a replay meets it again. An episode without orders has a desk that is
    not `busy`, and pays a look at that in each step.

    Args:
        journal: Of the episode.
        orders: That came before it began here, and those that hold of all episodes.
        paused: Whether it stands still at the top of its next step.

    Attributes:
        busy: Whether there is, or was, anything to do here.
        moment: The step that is open to orders, and what its world said; None where none is.
    """

    def __init__(
        self, journal: Journal, *, orders: Iterable[Order] = (), paused: bool = False
    ) -> None:
        self.moment: tuple[int, TimeStep] | None = None
        self._journal = journal
        self._recall = Recall(journal.recorded(ACTOR))
        self._done = dict(self._recall.steps)
        self._held = [order for order in orders if order.id not in self._done]
        self._stagehand: Stagehand
        self._clock: Clock
        self._queue: list[_Waiting] = []
        self._paused = paused
        self._n_allowed = 0
        self._standing = False
        self._changed = asyncio.Event()
        self._late: asyncio.Task[None] | None = None
        self.busy = bool(self._done or self._held or paused)

    def serve(self, stagehand: Stagehand, clock: Clock) -> None:
        """Begin with an episode, before its first step.

        Args:
            stagehand: Carries its orders out.
            clock: Stands still where the episode does.
        """
        self._stagehand = stagehand
        self._clock = clock
        self._recall.serve(stagehand)

    async def open(self) -> None:
        """At the top of a step: meet or carry out what is ordered, and stand still if paused."""
        assert self.moment is not None, "it is the top of a step"
        self._stagehand.open(self.moment[0])
        await self._recall.open(*self.moment)
        if self._journal.is_live:
            self._stagehand.tell_leases()
            self._standing = True
            try:
                await self._carry_out_held()
                await self._carry_out_queue()
                await self._stand()
            finally:
                self._standing = False
        else:
            self._late = asyncio.create_task(self._carry_out_late())

    async def close(self) -> None:
        """When all seats have acted, before that is recorded.

        Raises:
            ReplayDivergence: The record has orders here that were not met.
        """
        if self._late is not None:
            self._late.cancel()
            with suppress(asyncio.CancelledError):
                await self._late
            self._late = None
        await self._recall.close()

    def end(self) -> None:
        """Refuse what waits: the episode has ended."""
        self.moment = None
        self._recall.cancel()
        if self._late is not None:
            self._late.cancel()
        for waiting in self._queue:
            _resolve(waiting.taken, ended_error(self._journal.episode))
        self._queue.clear()

    def pause(self, *, paused: bool) -> None:
        """Stand still from the top of the next step on, or go on."""
        self._paused = paused
        self._n_allowed = 0
        self.busy = True
        self._changed.set()

    def allow_steps(self, n_steps: int) -> None:
        """Take so many steps more, and stand still then."""
        self._paused = self.busy = True
        self._n_allowed += n_steps
        self._changed.set()

    async def take(self, order: Order) -> int | None:
        """Take an order.

        Returns:
            The step in which it was carried out and recorded; None where it waits for one.

        Raises:
            ControlError: It cannot be carried out, now or later; nothing is changed.
        """
        if order.id in self._done:
            return self._done[order.id]
        self.busy = True
        if self._is_open:
            return await self._take_now(order)
        if order.kind != "say":
            self._held.append(order)
            return None
        waiting = _Waiting(order)
        self._queue.append(waiting)
        return await waiting.taken

    def take_back(self, orders: Collection[str]) -> None:
        """Let those of some orders be that wait for a later step."""
        self._held = [order for order in self._held if order.id not in orders]

    def status(self) -> EpisodeStatus:
        """Where the episode stands."""
        if self.moment is None:
            return EpisodeStatus(self._journal.episode, None, paused=self._paused)
        step, timestep = self.moment
        return EpisodeStatus(
            self._journal.episode,
            step,
            paused=self._paused,
            stands=self._standing,
            asked=tuple(sorted(timestep.requests)),
            acting=tuple(sorted(self._stagehand.cast.acting)),
        )

    @property
    def _is_open(self) -> bool:
        """Whether an order can be carried out now, and recorded in its place."""
        return self.moment is not None and self._journal.is_live

    async def _take_now(self, order: Order) -> int | None:
        """Carry an order out if this is its time; else keep it until then, or refuse it."""
        assert self.moment is not None, "it is open"
        step, timestep = self.moment
        self._stagehand.require_seat(order)
        cast = self._stagehand.cast
        is_acting = order.seat in cast.acting and not cast.is_said(order.seat)
        if order.kind == "say":
            self._require_say(order, timestep)
        if not self._standing and (order.kind == "edit" or not is_acting):
            self._held.append(order)
            return None
        at = BEFORE if self._standing else DURING
        self._done[order.id] = step
        await self._stagehand.carry_out(order, at, step, timestep)
        return step

    def _require_say(self, order: Order, timestep: TimeStep) -> None:
        """See that a seat can do now what it is to do.

        Raises:
            ControlError: It cannot.
        """
        seat, acting = order.seat, self._stagehand.cast.acting
        asked_now = timestep.requests.get(seat)  # while it stands; what seats are at may be older
        request = asked_now if self._standing else acting.get(seat) or asked_now
        if request is None:
            asked = ", ".join(sorted(timestep.requests)) or "nobody"
            raise ControlError(
                f"seat {seat!r} is not asked now, {asked} is; pause the episode, and let it take "
                "steps until the seat is asked"
            )
        if self._stagehand.cast.is_said(seat):
            raise ControlError(
                f"what seat {seat!r} does in this step was said already; say more in a later one"
            )
        self._stagehand.require_fitting(order, request)
        if request.required and not self._standing and seat not in acting:
            raise ControlError(
                f"seat {seat!r} has acted in this step already; pause the episode, and say it in "
                "a later one"
            )

    async def _carry_out_held(self) -> None:
        """Carry out what has waited for its time, if that is now."""
        assert self.moment is not None, "a step is open"
        held, self._held = self._held, []
        for order in held:
            if not self._is_due(order):
                self._held.append(order)
                continue
            try:
                await self._take_now(order)
            except ControlError as error:
                refused = {"order": order.as_dict(), "why": error.message}
                self._stagehand.note(self.moment[0], "refused", refused)

    def _is_due(self, order: Order) -> bool:
        """Whether an order that has waited can be taken now; what a seat says, when it may act."""
        assert self.moment is not None, "a step is open"
        cast, seat = self._stagehand.cast, order.seat
        may_act = self.moment[1].requests if self._standing else cast.acting
        return order.kind != "say" or (seat in may_act and not cast.is_said(seat))

    async def _carry_out_queue(self) -> None:
        """Carry out or refuse what has waited until either could be known."""
        queue, self._queue = self._queue, []
        for waiting in queue:
            try:
                step = await self._take_now(waiting.order)
            except ControlError as error:
                _resolve(waiting.taken, error)
            else:
                _resolve(waiting.taken, step)

    async def _carry_out_late(self) -> None:
        """Carry out what can be in the midst of a step, once all that was recorded is met."""
        await self._journal.wait_live()
        self._stagehand.tell_leases()
        await self._carry_out_queue()
        await self._carry_out_held()

    async def _stand(self) -> None:
        """Stand still while paused; a step that is allowed passes."""
        assert self.moment is not None, "it is the top of a step"
        if self._paused and not self._n_allowed:
            self._stagehand.note(self.moment[0], "paused")
            start = time.monotonic()
            while self._paused and not self._n_allowed:
                self._changed.clear()
                await self._changed.wait()
            self._clock.stand_still(time.monotonic() - start)
            self._stagehand.note(self.moment[0], "stepped" if self._paused else "resumed")
        self._n_allowed = max(0, self._n_allowed - 1)


def ended_error(episode: int) -> ControlError:
    """What is said of an order to an episode that has ended."""
    return ControlError(
        f"episode {episode} has ended, and takes no orders; branch it to change what happened"
    )


def _resolve(taken: "asyncio.Future[int | None]", outcome: int | ControlError | None) -> None:
    """Tell whoever waits what became of an order, if somebody still does."""
    if taken.done():
        return
    if isinstance(outcome, ControlError):
        taken.set_exception(outcome)
    else:
        taken.set_result(outcome)
