"""The courier of a process: carries its calls to the replicas of a model, many in one parcel.

A call through Ray Serve costs the same whatever it carries (`benchmarks/calls.py`). So calls that
are made while a parcel is on its way wait for the next one, and the answers of a replica come back
in one stream.
"""

import asyncio
import itertools
import pickle
import uuid
import zlib
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from simlab.actors.parcel import pickle_5, unpack_error
from simlab.errors import ModelError, ReplicaDiedError
from simlab.models.calls import Call
from simlab.models.desk import RECEIVED, Answer, Parcel
from simlab.models.model import Usage, spent_on

ATTEMPTS = 3
"""A call is given to replicas at most this often: the first time, and again for each that died."""

_BACK_OFF_S = 0.2
"""Before a call is given to a second replica; doubles for each one after."""


_LOOK_S = 30.0
"""A replica that has not received its parcel is looked after so often."""

_LOOKS = 60
"""Looks after which a parcel that no replica receives is given up, whatever is said of it."""


class Lane(Protocol):
    """The way to one replica; what is asked of it raises `ReplicaDiedError` where it is gone."""

    def answer(self, parcel: bytes) -> AsyncIterator[bytes]:
        """See `Desk.answer`."""
        ...

    async def drop(self, parcel: bytes) -> None:
        """See `Desk.drop`."""
        ...

    async def trouble(self) -> str | None:
        """Why the replica does not come back; None where it is there or may be soon."""
        ...


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a call, and how many replicas were asked for it."""

    result: Any
    attempts: int

    def with_attempts(self, usage: Usage) -> Usage:
        """What the call cost, with the replicas counted that died over it."""
        return usage + Usage(attempts=self.attempts)


@dataclass(slots=True, eq=False)
class _Waiting:
    """A call that has no answer yet."""

    number: int
    call: Call
    lane: int
    answer: "asyncio.Future[Carried]"
    attempts: int = 0
    received: bool = False


@dataclass(slots=True)
class _Tray:
    """What is to go to one replica.

    Attributes:
        calls: To be carried with the next parcel.
        dropped: Numbers of calls that are there and nobody waits for.
        expecting: Whether a parcel is on its way that has not been received.
    """

    calls: list[_Waiting] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    expecting: bool = False


class Courier:
    """Carries calls to replicas, for the tasks of one event loop.

    Calls of one session go to one replica, which may have the beginning of their prompts in its
    cache. If that dies, they go on to the next.

    Args:
        lanes: The ways to the replicas, in an order that all processes agree on.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        self._turns = itertools.cycle(range(len(lanes)))
        self._trays = [_Tray() for _ in lanes]
        self._sender = uuid.uuid4().hex
        self._numbers = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving = False

    async def carry(self, call: Call, session: str | None = None) -> Carried:
        """The answer to a call. One that is cancelled ends its work in the replica too.

        Raises:
            ModelError: The model did not answer, or `ATTEMPTS` replicas died over the call.
        """
        answer: asyncio.Future[Carried] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(next(self._numbers), call, self._lane_of(session), answer)
        self._hand_in(waiting)
        try:
            return await answer
        except asyncio.CancelledError:
            self._give_up(waiting)
            raise

    def _give_up(self, waiting: _Waiting) -> None:
        """End a call's work in its replica; one that is under way is ended once it is there."""
        if waiting.received:
            self._trays[waiting.lane].dropped.append(waiting.number)
            self._leave_soon()

    def _lane_of(self, session: str | None) -> int:
        """Where a session's calls go; those of none take turns."""
        if session is None:
            return next(self._turns)
        return zlib.crc32(session.encode()) % len(self._lanes)

    def _hand_in(self, waiting: _Waiting) -> None:
        self._trays[waiting.lane].calls.append(waiting)
        self._leave_soon()

    def _leave_soon(self) -> None:
        """Leave in the next turn of the event loop, with all that is handed in until then."""
        if not self._leaving:
            self._leaving = True
            asyncio.get_running_loop().call_soon(self._leave)

    def _leave(self) -> None:
        self._leaving = False
        for lane, tray in enumerate(self._trays):
            if tray.dropped:
                self._start(self._drop(lane, pickle_5((self._sender, tray.dropped))))
                tray.dropped = []
            if not tray.expecting:
                calls = [waiting for waiting in tray.calls if not waiting.answer.done()]
                tray.calls = []
                if calls:
                    tray.expecting = True
                    self._start(self._take(lane, calls))

    def _start(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(errand)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drop(self, lane: int, parcel: bytes) -> None:
        with suppress(ReplicaDiedError):  # and its calls with it
            await self._lanes[lane].drop(parcel)

    async def _take(self, lane: int, calls: Sequence[_Waiting]) -> None:
        """Take calls to a replica and bring back its answers."""
        there = {waiting.number: waiting for waiting in calls}
        for waiting in calls:
            waiting.attempts += 1
        parcel = Parcel(self._sender, [(waiting.number, waiting.call) for waiting in calls])
        received = False
        try:
            async for part in _parts(self._lanes[lane], pickle_5(parcel)):
                if part == RECEIVED:
                    received = True
                    self._received(lane, calls)
                else:
                    for answer in pickle.loads(part):
                        _give(there.pop(answer.number), answer)
        except ReplicaDiedError as error:
            self._try_elsewhere(there.values(), error)
        except Exception as error:
            _fail(there.values(), error)
        except asyncio.CancelledError:  # the event loop ends
            for waiting in there.values():
                waiting.answer.cancel()
            raise
        finally:
            if not received:
                self._may_leave(lane)

    def _received(self, lane: int, calls: Iterable[_Waiting]) -> None:
        """Let the next parcel go, and drop calls that were given up while they were under way.

        A drop that left at once might overtake its parcel and find nothing there.
        """
        for waiting in calls:
            waiting.received = True
            if waiting.answer.done():
                self._give_up(waiting)
        self._may_leave(lane)

    def _may_leave(self, lane: int) -> None:
        self._trays[lane].expecting = False
        self._leave_soon()

    def _try_elsewhere(self, calls: Iterable[_Waiting], error: ReplicaDiedError) -> None:
        for waiting in calls:
            if waiting.answer.done():
                continue
            if waiting.attempts >= ATTEMPTS:
                told = f"{waiting.attempts} replicas died over one call: {error.message}"
                waiting.answer.set_exception(ModelError.of(told, Usage(attempts=waiting.attempts)))
                continue
            waiting.received = False
            waiting.lane = (waiting.lane + 1) % len(self._lanes)
            delay_s = _BACK_OFF_S * 2 ** (waiting.attempts - 1)
            asyncio.get_running_loop().call_later(delay_s, self._hand_in, waiting)


async def _parts(lane: Lane, parcel: bytes) -> AsyncIterator[bytes]:
    """The parts of a replica's answer.

    Raises:
        ReplicaDiedError: It has died, or does not come back to receive the parcel.
    """
    parts = lane.answer(parcel)
    received = asyncio.ensure_future(anext(parts))
    try:
        await _wait_received(received, lane)
        yield received.result()
    finally:
        received.cancel()
    async for part in parts:
        yield part


async def _wait_received(received: "asyncio.Future[bytes]", lane: Lane) -> None:
    """Wait for the first part of an answer, as long as there is hope that it comes."""
    for _ in range(_LOOKS):
        done, _ = await asyncio.wait([received], timeout=_LOOK_S)
        if done:
            return
        if (trouble := await lane.trouble()) is not None:
            raise ReplicaDiedError(trouble)
    raise ReplicaDiedError(f"it received nothing for {_LOOKS * _LOOK_S:g} s")


def _give(waiting: _Waiting, answer: Answer) -> None:
    if waiting.answer.done():
        return
    if answer.error is None:
        waiting.answer.set_result(Carried(answer.result, waiting.attempts))
    else:
        error = unpack_error(pickle.loads(answer.error), "a replica")
        if isinstance(error, ModelError):
            error.usage = spent_on(error) + Usage(attempts=waiting.attempts)
        waiting.answer.set_exception(error)


def _fail(calls: Iterable[_Waiting], error: Exception) -> None:
    for waiting in calls:
        if not waiting.answer.done():
            waiting.answer.set_exception(ModelError(f"the replica cannot be asked: {error!r}"))
