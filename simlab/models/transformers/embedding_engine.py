"""Vectors of texts in this process, through transformers."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch

from simlab.errors import ModelError
from simlab.models.cores import spare_cores
from simlab.models.embedder import Embedding
from simlab.models.held import EngineStatistics
from simlab.models.model import Usage
from simlab.models.transformers.text_encoder import TextEncoder


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """Texts of one call."""

    texts: Sequence[str]
    future: "Future[Embedding]" = field(default_factory=Future)


class TransformersEmbeddingEngine:
    """Embeds texts with weights of its own, all calls that wait in one batch.

    All is computed on one thread, the weights are loaded there too: OpenMP keeps workers for each
    thread that ever computed.

    Args:
        folder: With the weights.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for a GPU if there is one.
        max_batch: The most texts embedded at once.
        threads: Cores to use; None for all that the process may use but one.

    Raises:
        ConfigError: The weights cannot be loaded, or are not those of an encoder of texts.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "auto",
        max_batch: int = 64,
        threads: int | None = None,
    ) -> None:
        set_threads = partial(torch.set_num_threads, threads or spare_cores())
        self._thread = ThreadPoolExecutor(1, "simlab-embed", initializer=set_threads)
        load = partial(TextEncoder.load, folder, device=device, max_batch=max_batch)
        self._encoder = self._thread.submit(load).result()
        self._max_batch = max_batch
        self._lock = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._n_running = 0
        self._n_tokens = 0
        self._closed = False

    async def embed(self, texts: Sequence[str]) -> Embedding:
        """The vector of each text, see `Embedder.embed`, and what they cost.

        Raises:
            ModelError: The engine is closed.
        """
        job = _Job(texts)
        with self._lock:
            if self._closed:
                raise _closed_error()
            self._waiting.append(job)
            self._thread.submit(self._work)
        return await asyncio.wrap_future(job.future)

    def statistics(self) -> EngineStatistics:
        """What the engine is busy with."""
        with self._lock:
            return EngineStatistics(
                running=self._n_running,
                waiting=len(self._waiting),
                prompt_tokens=self._n_tokens,
                cached_tokens=0,
            )

    async def check_health(self) -> None:
        """Raise nothing: an error fails the calls that it befalls, and no more."""

    def close(self) -> None:
        """End the engine's thread; calls that are not begun fail with ModelError."""
        with self._lock:
            self._closed = True
            left = [job for job in self._waiting if job.future.set_running_or_notify_cancel()]
            self._waiting.clear()
        for job in left:
            job.future.set_exception(_closed_error())
        self._thread.shutdown()

    def _work(self) -> None:
        """Answer the calls that wait, as many as one batch holds; begun once for each call."""
        with self._lock:
            jobs = self._take()
            self._n_running = sum(len(job.texts) for job in jobs)
        if not jobs:
            return
        outcome = self._try_embed(jobs)
        with self._lock:
            self._n_running = 0
            if not isinstance(outcome, Exception):
                self._n_tokens += sum(embedding.usage.prompt_tokens for embedding in outcome)
        if isinstance(outcome, Exception):
            for job in jobs:
                job.future.set_exception(outcome)
            return
        for job, embedding in zip(jobs, outcome, strict=True):
            job.future.set_result(embedding)

    def _try_embed(self, jobs: Sequence[_Job]) -> list[Embedding] | Exception:
        """What each call is answered, all of them computed at once, or what went wrong."""
        begun_s = time.perf_counter()
        try:
            encoded = self._encoder.encode([text for job in jobs for text in job.texts])
        except Exception as error:
            return error
        model_s = round(time.perf_counter() - begun_s, 6)
        embeddings = []
        start = 0
        for job in jobs:
            own = slice(start, start := start + len(job.texts))
            usage = Usage(sum(encoded.n_tokens[own]), model_s=model_s)
            embeddings.append(Embedding(encoded.vectors[own], usage))
        return embeddings

    def _take(self) -> list[_Job]:
        """The calls that waited longest, for at least one batch; those given up are left out."""
        jobs: list[_Job] = []
        n_texts = 0
        while self._waiting and n_texts < self._max_batch:
            job = self._waiting.popleft()
            if job.future.set_running_or_notify_cancel():
                jobs.append(job)
                n_texts += len(job.texts)
        return jobs


def _closed_error() -> ModelError:
    return ModelError("the embedder's engine is closed; make a new one")
