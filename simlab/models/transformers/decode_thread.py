"""The thread that owns a decoder: requests come in from any thread, futures go out."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from simlab.errors import ModelError
from simlab.models.held import EngineStatistics
from simlab.models.model import ChoiceLogprobs, Completion, Prompt
from simlab.models.transformers.adapter import Adapter
from simlab.models.transformers.decode import Decoder
from simlab.models.transformers.row import DecodeRequest, Row

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Decode:
    """A completion to be drawn, step by step."""

    request: DecodeRequest
    future: "Future[Completion]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True, eq=False)
class _Score:
    """Choices to be scored, at once between two steps."""

    prompt: Prompt
    choices: Sequence[str]
    adapter: Adapter | None = None
    future: "Future[ChoiceLogprobs]" = field(default_factory=Future)


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
        self._waiting: deque[_Decode | _Score] = deque()
        self._running: dict[Row, _Decode] = {}
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
        job = _Decode(request)
        self._submit(job)
        return job.future

    def score(
        self, prompt: Prompt, choices: Sequence[str], adapter: Adapter | None = None
    ) -> "Future[ChoiceLogprobs]":
        """The log-probability of each choice.

        Raises:
            ModelError: The thread is closed.
        """
        job = _Score(prompt, choices, adapter)
        self._submit(job)
        return job.future

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

    def _submit(self, job: _Decode | _Score) -> None:
        with self._changed:
            if self._closed:
                raise _closed_error()
            self._waiting.append(job)
            self._changed.notify()

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
        """Begin what waits while there is room, and score at most once before the next step."""
        while len(self._running) < self._max_batch and self._waiting:
            job = self._waiting.popleft()
            if job.future.cancelled():
                continue
            try:
                if isinstance(job, _Score):
                    scores = self._decoder.score(job.prompt, job.choices, job.adapter)
                    _answer(job.future, scores)
                    return
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
                    _answer(job.future, self._decoder.finish(row))
        except Exception as error:
            _fail(list(self._running.values()), error)
            self._running.clear()


def _answer(future: "Future[T]", result: T) -> None:
    with suppress(InvalidStateError):  # cancelled meanwhile
        future.set_result(result)


def _fail(jobs: Sequence[_Decode | _Score], error: Exception) -> None:
    for job in jobs:
        with suppress(InvalidStateError):  # cancelled meanwhile
            job.future.set_exception(error)


def _closed_error() -> ModelError:
    return ModelError("the model's engine is closed; make a new one")
