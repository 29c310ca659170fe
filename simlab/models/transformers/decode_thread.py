"""The thread that owns a decoder: requests come in from any thread, futures go out."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch

from simlab.errors import ModelError
from simlab.models.held import EngineStatistics
from simlab.models.model import ChoiceLogprobs, Completion
from simlab.models.transformers.decode import Decoder
from simlab.models.transformers.drawing import DecodeRequest
from simlab.models.transformers.row import Row
from simlab.models.transformers.scoring import ScoreRequest


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A request on its way to an answer, step by step."""

    request: DecodeRequest | ScoreRequest
    future: "Future[Any]" = field(default_factory=Future)


class DecodeThread:
    """Loads a decoder and steps it as long as there is work, all on one thread.

    Requests join at the next step, up to `max_batch` rows, first come first served; a cancelled one
    leaves at the next step. What goes wrong in a step is raised to everyone who takes part in it.

    The decoder is loaded on the thread too: OpenMP keeps workers for each thread that ever
    computed, and with more of them than cores every step takes a fifth longer.

    Args:
        load: Makes the decoder, which belongs to this thread alone.
        max_batch: The most rows in a step.
        threads: The cores that a step uses.

    Raises:
        Exception: Whatever `load` raises.
    """

    def __init__(self, load: Callable[[], Decoder], *, max_batch: int, threads: int) -> None:
        self._loaded: Future[Decoder] = Future()
        self._max_batch = max_batch
        self._threads = threads
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._running: dict[Row, _Job] = {}
        self._closed = False
        self._thread = threading.Thread(
            target=self._run, args=(load,), name="simlab-decode", daemon=True
        )
        self._thread.start()
        self._decoder = self._loaded.result()

    def decode(self, request: DecodeRequest) -> "Future[Completion]":
        """A completion, once it is drawn.

        Raises:
            ModelError: The thread is closed.
        """
        return self._submit(request)

    def score(self, request: ScoreRequest) -> "Future[ChoiceLogprobs]":
        """The log-probability of each choice, once all are known.

        Raises:
            ModelError: The thread is closed.
        """
        return self._submit(request)

    def statistics(self) -> EngineStatistics:
        """What the thread is busy with at this moment."""
        with self._changed:
            return EngineStatistics(
                running=len(self._running),
                waiting=len(self._waiting),
                prompt_tokens=self._decoder.prompt_tokens,
                cached_tokens=self._decoder.cached_tokens,
            )

    @property
    def alive(self) -> bool:
        """Whether the thread still takes requests."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End the thread after its present step; whatever is not done fails with ModelError."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _submit(self, request: DecodeRequest | ScoreRequest) -> "Future[Any]":
        job = _Job(request)
        with self._changed:
            if self._closed:
                raise _closed_error()
            self._waiting.append(job)
            self._changed.notify()
        return job.future

    def _run(self, load: Callable[[], Decoder]) -> None:
        torch.set_num_threads(self._threads)  # a setting of each thread, as MKL reads it
        try:
            decoder = load()
        except BaseException as error:
            self._loaded.set_exception(error)
            return
        self._loaded.set_result(decoder)
        while self._has_work():
            self._begin_waiting()
            self._step()
        _fail([*self._running.values(), *self._waiting], _closed_error())
        self._running.clear()
        self._waiting.clear()

    def _has_work(self) -> bool:
        """Wait until there is something to do; False once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting or self._running)
            return not self._closed

    def _begin_waiting(self) -> None:
        """Admit what waits while there is room."""
        while len(self._running) < self._max_batch and self._waiting:
            job = self._waiting.popleft()
            if job.future.cancelled():
                continue
            try:
                self._running[self._decoder.admit(job.request)] = job
            except Exception as error:
                _fail([job], error)

    def _step(self) -> None:
        """One step of all rows; those that end are answered."""
        for row in [row for row, job in self._running.items() if job.future.cancelled()]:
            del self._running[row]
        if not self._running:
            return
        try:
            self._decoder.step(list(self._running))
            for row in [row for row in self._running if row.has_ended]:
                job = self._running.pop(row)
                if row.error is not None:
                    _fail([job], row.error)
                else:
                    _answer(job, row.answer())
        except Exception as error:
            _fail(list(self._running.values()), error)
            self._running.clear()


def _answer(job: _Job, answer: Completion | ChoiceLogprobs) -> None:
    with suppress(InvalidStateError):  # cancelled meanwhile
        job.future.set_result(answer)


def _fail(jobs: Sequence[_Job], error: Exception) -> None:
    for job in jobs:
        with suppress(InvalidStateError):  # cancelled meanwhile
            job.future.set_exception(error)


def _closed_error() -> ModelError:
    return ModelError("the model's engine is closed; make a new one")
