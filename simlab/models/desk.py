"""The desk of a replica: takes parcels of calls in, hands parcels of answers out."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from simlab.actors.parcel import pack_error, pickle_5
from simlab.errors import EngineDiedError, ModelError
from simlab.models.calls import Call, perform
from simlab.models.embedder import AnyModel

RECEIVED = b""
"""The first part of every answer: the parcel is here, the next one may come."""


_Key = tuple[str, int]
"""What tells a call from all others: its sender, and the number that it has there."""

_CANCELLED = pack_error(ModelError("the call was cancelled in its replica"), pickle_5)
"""For a caller that waits, as where the model cancels itself; of a dropped call it only counts."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Calls of one sender, each with a number of the sender's own; travels pickled."""

    sender: str
    calls: Sequence[tuple[int, Call]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call.

    Attributes:
        number: Of the call.
        result: What the model answered.
        error: A packed error in place of a result, see `simlab.actors.parcel.unpack_error`.
    """

    number: int
    result: Any = None
    error: bytes | None = None


class Desk:
    """Performs calls on a model, all of them at once, as the model batches them.

    Args:
        model: Is asked.
        on_engine_died: Called when the model's engine has died, before anyone is told: the replica
            ends, so that callers go elsewhere and Serve starts another one.
    """

    def __init__(self, model: AnyModel, on_engine_died: Callable[[], None] = lambda: None) -> None:
        self._model = model
        self._on_engine_died = on_engine_died
        self._tasks: dict[_Key, asyncio.Task[Answer]] = {}

    @property
    def n_running(self) -> int:
        """How many calls have no answer yet."""
        return len(self._tasks)

    async def answer(self, parcel: bytes) -> AsyncIterator[bytes]:
        """Perform the calls of a pickled `Parcel`.

        Yields `RECEIVED` at once, then pickled lists of `Answer` as they come. Whoever leaves early
        cancels the calls that are left.
        """
        arrived: Parcel = pickle.loads(parcel)
        answers: asyncio.Queue[Answer] = asyncio.Queue()
        keys = [(arrived.sender, number) for number, _ in arrived.calls]
        for key, (number, call) in zip(keys, arrived.calls, strict=True):
            task = self._tasks[key] = asyncio.create_task(self._perform(number, call))
            task.add_done_callback(partial(self._put, key, answers))
        try:
            yield RECEIVED
            n_left = len(keys)
            while n_left:
                ready = await _take_all(answers)
                n_left -= len(ready)
                yield pickle_5(ready)
        finally:
            self._cancel(keys)

    def drop(self, parcel: bytes) -> None:
        """Cancel calls whose answers nobody waits for: a pickled sender and their numbers."""
        sender, numbers = pickle.loads(parcel)
        for number in numbers:
            if (task := self._tasks.get((sender, number))) is not None:
                task.cancel()

    async def _perform(self, number: int, call: Call) -> Answer:
        try:
            return Answer(number, await perform(self._model, call))
        except Exception as error:
            if isinstance(error, EngineDiedError):
                self._on_engine_died()
            return Answer(number, error=pack_error(error, pickle_5))

    def _put(
        self, key: _Key, answers: "asyncio.Queue[Answer]", task: "asyncio.Task[Answer]"
    ) -> None:
        """Put the answer of a call that is done, also of one that was cancelled before it began."""
        if self._tasks.get(key) is task:
            del self._tasks[key]
        cancelled = Answer(key[1], error=_CANCELLED)
        answers.put_nowait(cancelled if task.cancelled() else task.result())

    def _cancel(self, keys: Sequence[_Key]) -> None:
        for key in keys:
            if (task := self._tasks.pop(key, None)) is not None:
                task.cancel()


async def _take_all(answers: "asyncio.Queue[Answer]") -> list[Answer]:
    """At least one answer, and all others that are ready in this turn of the event loop."""
    ready = [await answers.get()]
    await asyncio.sleep(0)
    while not answers.empty():
        ready.append(answers.get_nowait())
    return ready
