"""The real clock: world time goes on with the wall's, whatever the seats do."""

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from simlab.env.environment import ActionRequest, Seat, TimeStep, Wait
from simlab.errors import ActorStoppedError, EnvironmentStuckError, EpisodeError
from simlab.sim.act import Act
from simlab.sim.cast import Cast
from simlab.sim.clock import late, until_of
from simlab.sim.together import in_seat_order
from simlab.trace.journal import Journal, RecordEnds
from simlab.trace.tracing import effect, turn


class RealClock:
    """World time is the time that has passed in the world outside.

    What arrives in a step, and when, is an effect: it is recorded, and a replay meets it as it was.
    A resumed run continues world time where it stood and keeps what was left of each deadline.

    Args:
        journal: Of the episode.
        speed: World seconds that pass in a second.
    """

    def __init__(self, journal: Journal, speed: float = 1.0) -> None:
        self.now = 0.0
        self._journal = journal
        self._journal.overlapping = True
        self._speed = speed
        self._since = time.monotonic()
        self._acting: dict[Seat, asyncio.Task[Act | Wait]] = {}
        self._asked: dict[Seat, float] = {}
        self._perceiving: defaultdict[Seat, list[asyncio.Task[None]]] = defaultdict(list)
        self._waiting: dict[Seat, float] = {}
        self._dropped: set[asyncio.Task[Act | Wait]] = set()

    async def gather(self, step: int, timestep: TimeStep, cast: Cast) -> dict[Seat, Act]:
        """See `Clock.gather`; a seat that is still busy with an earlier request goes on with it."""
        requests = timestep.requests
        self._start(step, timestep, cast)
        for nth in itertools.count():
            with turn(self._journal, "clock", step, f"arrival {nth}"):
                arrival: dict[str, Any] = await effect(
                    "clock", sorted(requests), lambda _seed: self._arrival(timestep)
                )
            self.now, self._since = arrival["now"], time.monotonic()
            acts = await self._take(arrival, requests)
            self._ask(step, requests, cast, arrival["woken"])
            if acts or arrival["woken_world"]:
                break
        return acts

    async def finish(self, step: int, timestep: TimeStep, cast: Cast) -> None:
        """See `Clock.finish`; what seats are still busy with is wanted no more."""
        await self._journal.wait_for_calls(step)
        for seat in list(self._acting):
            self._drop(seat)
        self._tell(step, timestep, cast)
        await in_seat_order({seat: self._taken_in(seat) for seat in list(self._perceiving)})

    def stand_still(self, seconds: float) -> None:
        """See `Clock.stand_still`; what is left of deadlines and waits stays as it was."""
        self._since += seconds

    async def close(self) -> None:
        """Cancel what seats are still busy with; see `Clock.close`."""
        perceiving = itertools.chain(*self._perceiving.values())
        tasks = [*self._acting.values(), *perceiving, *self._dropped]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        bugs = [bug for task in tasks if (bug := _bug_of(task)) is not None]
        if bugs:
            raise bugs[0]

    def _start(self, step: int, timestep: TimeStep, cast: Cast) -> None:
        """Tell seats what they perceive, and ask those who are not busy or waiting."""
        requests, seen = timestep.requests, timestep.observations
        for seat in self._acting.keys() - requests.keys():
            self._drop(seat)
        patient = {s for s, request in requests.items() if not request.required} - seen.keys()
        self._waiting = {s: until for s, until in self._waiting.items() if s in patient}
        self._tell(step, timestep, cast)
        self._ask(step, requests, cast, sorted(requests.keys() - self._waiting.keys()))

    def _tell(self, step: int, timestep: TimeStep, cast: Cast) -> None:
        for seat, observations in timestep.observations.items():
            task = asyncio.ensure_future(cast.tell(seat, step, observations))
            self._perceiving[seat].append(task)

    def _ask(
        self, step: int, requests: Mapping[Seat, ActionRequest], cast: Cast, seats: list[Seat]
    ) -> None:
        for seat in seats:
            if seat not in self._acting:
                self._waiting.pop(seat, None)
                call = cast.ask(seat, step, (), requests[seat])
                self._acting[seat] = asyncio.ensure_future(call)
                self._asked[seat] = self.now

    async def _arrival(self, timestep: TimeStep) -> dict[str, Any]:
        """Wait for the next event of this step, live.

        Returns:
            ``now``; ``seats`` whose answers have come; ``late`` ones, whose deadline has passed;
            ``woken`` ones, whose wait is over; and whether the world itself is to be woken.
        """
        requests = timestep.requests
        required = {seat for seat, request in requests.items() if request.required}
        while True:
            now = self._read()
            done = {seat for seat, task in self._acting.items() if task.done()}
            waits = {seat for seat in done if _waits(self._acting[seat])}
            missed = {s for s, r in requests.items() if _passed(r.deadline, now)} - done
            woken = {seat for seat, until in self._waiting.items() if until <= now}
            world = timestep.wake is not None and timestep.wake <= now and not required
            settled = (done - waits) | missed
            ready = required <= settled if required else bool(settled or world)
            taken = done if ready else waits
            if ready or taken or woken:
                return {
                    "now": now,
                    "seats": sorted(taken),
                    "late": sorted(missed) if ready else [],
                    "woken": sorted(woken),
                    "woken_world": world,
                }
            await self._sleep(timestep, now)

    async def _sleep(self, timestep: TimeStep, now: float) -> None:
        """Sleep until an answer comes or the next moment that matters."""
        moments = [r.deadline for r in timestep.requests.values()]
        ahead = [at for at in (*moments, timestep.wake, *self._waiting.values()) if _ahead(at, now)]
        busy = [task for task in self._acting.values() if not task.done()]
        if not ahead and not busy:
            raise EnvironmentStuckError(
                f"seats {sorted(timestep.requests)} all wait, none says until when, and the world "
                "sets no time to wake; give the request a deadline, or the time step a wake"
            )
        delay = (min(ahead) - now) / self._speed if ahead else None  # type: ignore[type-var, operator]
        if busy:
            await asyncio.wait(busy, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
        elif delay is not None:
            await asyncio.sleep(delay)

    async def _take(
        self, arrival: Mapping[str, Any], requests: Mapping[Seat, ActionRequest]
    ) -> dict[Seat, Act]:
        """Take the answers that have arrived; who is late gets the default, who waits is noted."""
        acts: dict[Seat, Act] = {}
        for seat in arrival["late"]:
            if seat in self._acting:
                self._drop(seat)
            self._waiting.pop(seat, None)
            acts[seat] = late(seat, requests[seat])
        for seat in arrival["seats"]:
            await self._taken_in(seat)
            answer = await self._acting.pop(seat)
            if not isinstance(answer, Wait):
                acts[seat] = answer
            elif requests[seat].required:  # it was optional when it was asked
                self._waiting[seat] = self.now
            else:
                self._waiting[seat] = until_of(answer, self._asked[seat])
        return acts

    async def _taken_in(self, seat: Seat) -> None:
        """Wait until a seat has taken in what it was told; its first error is raised."""
        while perceiving := self._perceiving[seat]:
            await perceiving[0]
            del perceiving[0]

    def _drop(self, seat: Seat) -> None:
        """Cancel what a seat is at; nothing that comes of it is wanted, but bugs are kept."""
        task = self._acting.pop(seat)
        self._dropped.add(task)
        task.add_done_callback(self._forget)
        task.cancel()

    def _forget(self, dropped: asyncio.Task[Act | Wait]) -> None:
        if _bug_of(dropped) is None:
            self._dropped.discard(dropped)

    def _read(self) -> float:
        return self.now + (time.monotonic() - self._since) * self._speed


def _bug_of(ended: asyncio.Task[Any]) -> BaseException | None:
    """What a task raised, unless that only says that the episode, its record or its host ends."""
    error = None if ended.cancelled() else ended.exception()
    return None if isinstance(error, EpisodeError | RecordEnds | ActorStoppedError) else error


def _waits(answered: asyncio.Task[Act | Wait]) -> bool:
    return answered.exception() is None and isinstance(answered.result(), Wait)


def _passed(moment: float | None, now: float) -> bool:
    return moment is not None and moment <= now


def _ahead(moment: float | None, now: float) -> bool:
    return moment is not None and now < moment < float("inf")
