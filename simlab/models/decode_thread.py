"""The thread that owns a decoder: requests come in from any thread, futures go out."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from simlab.errors import ModelError
from simlab.models.decode import Decoder, Row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DecodeStatistics:
    """What a decode thread is busy with.

    Attributes:
        running: Rows that take part in each step.
        waiting: Requests that are not begun.
    """

    running: int
    waiting: int


@dataclass(frozen=True, slots=True, eq=False)
class _Decode:
    """A row to be stepped until it has ended; `begin` makes it on the thread."""

    begin: Callable[[], Row]
    future: "Future[Row]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True, eq=False)
class _Compute:
    """Work that is done at once, between two steps."""

    work: Callable[[], list[float]]
    future: "Future[list[float]]" = field(default_factory=Future)


class DecodeThread:
    """Steps a decoder as long as there is work, on one thread.

    Requests join at the next step, up to `max_batch` rows, first come first served; a cancelled one
    leaves at the next step. What goes wrong in a step is raised to everyone who takes part in it.

    Args:
        decoder: Used by this thread alone from now on.
        max_batch: The most rows in a step.
        threads: The cores that a step uses.
    """

    def __init__(self, decoder: Decoder, *, max_batch: int, threads: int) -> None:
        self._decoder = decoder
        self._max_batch = max_batch
        self._changed = threading.Condition()
        self._waiting: deque[_Decode | _Compute] = deque()
        self._running: dict[Row, _Decode] = {}
        self._closed = False
        self._thread = threading.Thread(
            target=self._run, args=(threads,), name="simlab-decode", daemon=True
        )
        self._thread.start()

    def decode(self, begin: Callable[[], Row]) -> "Future[Row]":
        """The row that `begin` makes on the thread, once it has ended."""
        job = _Decode(begin)
        self._submit(job)
        return job.future

    def compute(self, work: Callable[[], list[float]]) -> "Future[list[float]]":
        """The result of `work`, which runs on the thread between two steps."""
        job = _Compute(work)
        self._submit(job)
        return job.future

    def statistics(self) -> DecodeStatistics:
        """What the thread is busy with at this moment."""
        with self._changed:
            return DecodeStatistics(len(self._running), len(self._waiting))

    def close(self) -> None:
        """End the thread after its present step; whatever is not done fails with ModelError."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _submit(self, job: _Decode | _Compute) -> None:
        with self._changed:
            if self._closed:
                raise _closed_error()
            self._waiting.append(job)
            self._changed.notify()

    def _run(self, threads: int) -> None:
        torch.set_num_threads(threads)
        while self._has_work():
            self._begin_waiting()
            self._step()
        self._fail([*self._running.values(), *self._waiting], _closed_error())
        self._running.clear()
        self._waiting.clear()

    def _has_work(self) -> bool:
        """Wait until there is something to do; False once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting or self._running)
            return not self._closed

    def _begin_waiting(self) -> None:
        """Begin what waits while there is room, with at most one computation a step."""
        while len(self._running) < self._max_batch and self._waiting:
            job = self._waiting.popleft()
            if job.future.cancelled():
                continue
            try:
                if isinstance(job, _Compute):
                    _answer(job.future, job.work())
                    return
                self._running[job.begin()] = job
            except Exception as error:
                self._fail([job], error)

    def _step(self) -> None:
        """One step of all rows; those that end are answered."""
        self._running = {r: job for r, job in self._running.items() if not job.future.cancelled()}
        if not self._running:
            return
        try:
            self._decoder.step(list(self._running))
        except Exception as error:
            self._fail(list(self._running.values()), error)
            self._running.clear()
        for row in [row for row in self._running if row.finish is not None]:
            self._decoder.release(row)
            _answer(self._running.pop(row).future, row)

    def _fail(self, jobs: list[_Decode | _Compute], error: Exception) -> None:
        for job in jobs:
            with suppress(InvalidStateError):  # cancelled meanwhile
                job.future.set_exception(error)


def _answer(future: "Future[T]", result: T) -> None:
    with suppress(InvalidStateError):  # cancelled meanwhile
        future.set_result(result)


def _closed_error() -> ModelError:
    return ModelError("the model's engine is closed; make a new one")
