"""Clocks: when what a seat does arrives in the world, and what time it is there."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from simlab.env.environment import UNSET, ActionRequest, Refusal, Seat, TimeStep, Wait
from simlab.errors import DeadlineMissedError, EnvironmentStuckError
from simlab.sim.act import Act
from simlab.sim.cast import Cast
from simlab.sim.together import in_seat_order

_NEVER = float("inf")


class Clock(Protocol):
    """Holds a world's time, and gathers what its seats do until the world is to be stepped."""

    @property
    def now(self) -> float:
        """World time in seconds."""
        ...

    async def gather(self, step: int, timestep: TimeStep, cast: Cast) -> dict[Seat, Act]:
        """Tell seats what they perceive, ask those who may act, and wait for the next step.

        Where a request is required, the step comes when all required seats have acted. Else it
        comes with the first action, deadline or `wake`, whichever is first.

        Returns:
            What the seats do in this step; empty where the world is woken with no actions.

        Raises:
            EpisodeError: A seat fails, or nothing will ever happen.
        """
        ...

    async def finish(self, step: int, timestep: TimeStep, cast: Cast) -> None:
        """Tell seats the last that they perceive, and wait until each has taken in all of it.

        Raises:
            EpisodeError: A seat fails on perceiving, now or before.
        """
        ...

    def stand_still(self, seconds: float) -> None:
        """Let world time pass by so many seconds of the wall, in which the episode has paused."""
        ...

    async def close(self) -> None:
        """Drop whatever is still under way, as where the episode has failed.

        Raises:
            Exception: What is dropped had met an error that is no episode's.
        """
        ...


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a seat's action takes in simulated time.

    Attributes:
        kind: ``zero``; ``fixed``: `seconds` for each action; ``per_token``: `seconds` for each
            token that the seat's models drew for it.
        seconds: World time.
    """

    kind: Literal["zero", "fixed", "per_token"] = "zero"
    seconds: float = 0.0

    def of(self, act: Act) -> float:
        """World time that an action takes, in seconds."""
        if self.kind == "zero":
            return 0.0
        return self.seconds * (act.tokens if self.kind == "per_token" else 1)


@dataclass(slots=True)
class SimulatedClock:
    """World time follows from what the seats do, so the same run has the same times.

    Events come in the order of (time, seat). A turn-based world is the case in which every request
    is required and latency is zero: time stands still.

    Attributes:
        latency: How long an action takes.
        now: World time in seconds.
    """

    latency: Latency = field(default_factory=Latency)
    now: float = 0.0
    _arriving: dict[Seat, tuple[float, Act]] = field(default_factory=dict)
    _waiting: dict[Seat, float] = field(default_factory=dict)

    async def gather(self, step: int, timestep: TimeStep, cast: Cast) -> dict[Seat, Act]:
        """See `Clock.gather`; what a seat will do is known before its time has come."""
        requests, seen = timestep.requests, timestep.observations
        patient = {s for s, request in requests.items() if not request.required} - seen.keys()
        self._arriving = {s: act for s, act in self._arriving.items() if s in requests}
        self._waiting = {s: until for s, until in self._waiting.items() if s in patient}
        idle = requests.keys() - self._arriving.keys() - self._waiting.keys()
        await self._ask(step, timestep, cast, idle)
        while woken := self._wake_by(at := self._next(timestep)):
            await self._ask(step, TimeStep(requests=requests), cast, woken)
        self.now = at
        due = [seat for seat in sorted(requests) if self._due(seat, requests[seat]) <= at]
        return {seat: self._take(seat, requests[seat]) for seat in due}

    async def finish(self, step: int, timestep: TimeStep, cast: Cast) -> None:
        """See `Clock.finish`; all that was told before has been taken in."""
        await cast.perceive(step, timestep.observations)

    def stand_still(self, seconds: float) -> None:
        """See `Clock.stand_still`; nothing here follows the wall."""

    async def close(self) -> None:
        """Nothing is under way between steps."""

    async def _ask(
        self, step: int, timestep: TimeStep, cast: Cast, asked: set[Seat] | frozenset[Seat]
    ) -> None:
        """Tell everybody, ask some, and note when their actions arrive."""
        seen, requests = timestep.observations, timestep.requests
        calls = {seat: cast.tell(seat, step, seen[seat]) for seat in seen if seat not in asked}
        answers = {seat: cast.ask(seat, step, seen.get(seat, ()), requests[seat]) for seat in asked}
        for seat, answer in (await in_seat_order({**calls, **answers})).items():
            if seat in answers:
                self._note(seat, answer)

    def _note(self, seat: Seat, answer: Act | Wait) -> None:
        self._waiting.pop(seat, None)
        if isinstance(answer, Wait):
            self._waiting[seat] = until_of(answer, self.now)
        else:
            self._arriving[seat] = (self.now + self.latency.of(answer), answer)

    def _wake_by(self, at: float) -> set[Seat]:
        """The seats whose wait is over first, if that is by `at`; it is that time then."""
        until = min(self._waiting.values(), default=_NEVER)
        if until > at:
            return set()
        self.now = until
        return {seat for seat, its_until in self._waiting.items() if its_until == until}

    def _next(self, timestep: TimeStep) -> float:
        """World time of the next event: an action, the end of a wait, a deadline, or `wake`."""
        requests = timestep.requests
        due = {seat: self._due(seat, request) for seat, request in requests.items()}
        required = [due[seat] for seat, request in requests.items() if request.required]
        if required:
            return max(required)
        wake = _NEVER if timestep.wake is None else max(timestep.wake, self.now)
        at = min([*due.values(), *self._waiting.values(), wake])
        if at == _NEVER:
            raise EnvironmentStuckError(
                f"seats {sorted(requests)} all wait, none says until when, and the world sets no "
                "time to wake; give the request a deadline, or the time step a wake"
            )
        return at

    def _due(self, seat: Seat, request: ActionRequest) -> float:
        """World time at which a seat's action comes, or its deadline passes."""
        arrival, _ = self._arriving.get(seat, (_NEVER, None))
        return (
            arrival if request.deadline is None else min(arrival, max(request.deadline, self.now))
        )

    def _take(self, seat: Seat, request: ActionRequest) -> Act:
        """What a seat does that is due; the default if it is late."""
        self._waiting.pop(seat, None)
        arrival, act = self._arriving.pop(seat, (_NEVER, None))
        in_time = request.deadline is None or arrival <= request.deadline
        return act if act is not None and in_time else late(seat, request)


def until_of(wait: Wait, now: float) -> float:
    """World time at which a seat that waits is asked again; infinite if that is over already."""
    return _NEVER if wait.until is None or wait.until <= now else wait.until


def late(seat: Seat, request: ActionRequest) -> Act:
    """The default of a seat that has missed its deadline.

    Raises:
        DeadlineMissedError: The request has no default.
    """
    if request.default is UNSET:
        raise DeadlineMissedError(
            f"seat {seat!r} gave no answer by its deadline at {request.deadline} s of world time "
            "and its request has no default"
        )
    refused = (*request.refused, Refusal("", f"too late: the deadline was {request.deadline} s"))
    return Act(request.default, refused, late=True)
