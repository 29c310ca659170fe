"""The trainer: one base model in memory, and jobs that train adapters on it, one after another."""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from simlab.errors import ConfigError
from simlab.models.transformers.loading import load_trainable
from simlab.models.weights import EMBEDDED, fingerprint, resolve
from simlab.train.adapter import (
    AdapterRecord,
    check_base,
    publishing,
    require_new,
    write_record,
)
from simlab.train.dataset import Dataset, check_dataset, check_vocabulary
from simlab.train.job import Job
from simlab.train.lora import Lora, lora_options
from simlab.train.options import LoraOptions, TrainingOptions
from simlab.train.progress import OnProgress, Progress, TrainingReport
from simlab.train.sample import Sample
from simlab.train.scorer import Logprobs, Scorer


class Trainer:
    """Trains adapters on weights that are loaded once; the weights themselves never change.

    Equal jobs give equal adapters, to the last bit on one machine with one number of threads. No
    random generator of the process is moved.

    ::

        trainer = Trainer("embedded")
        report = trainer.train(dataset, TrainingOptions("kto"), Path("agents/agent@1"))

    Args:
        weights: ``"embedded"``, a folder or a hub id, as `resolve` takes it.
        dtype: What the base is computed in, ``"float32"`` or ``"bfloat16"``; adapters are kept and
            trained in float32.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for a GPU if there is one.
        threads: Cores that a job uses; None for all that the process may use, since whoever trains
            in a process of its own does nothing else meanwhile.

    Raises:
        ConfigError: The weights cannot be had or loaded.

    Attributes:
        base: Fingerprint of the weights.
    """

    def __init__(
        self,
        weights: str = EMBEDDED,
        *,
        dtype: str = "float32",
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self._threads = threads or len(os.sched_getaffinity(0))
        folder = resolve(weights)
        self._name = folder.name if Path(weights).expanduser().is_dir() else weights
        self.base = fingerprint(folder)
        self._model = load_trainable(folder, dtype=dtype, device=device)
        self._model.requires_grad_(False)

    def train(
        self,
        dataset: Dataset,
        options: TrainingOptions,
        out: Path,
        *,
        previous: Path | None = None,
        on_progress: OnProgress | None = None,
    ) -> TrainingReport:
        """Train an adapter and publish it; blocks.

        Args:
            dataset: Is learnt from.
            options: How.
            out: Folder of the adapter, such as ``agents/agent@7``, which must not be there.
            previous: Folder of the version before, on which `options` may start and anchor; None
                for the base.
            on_progress: Is told how far it is.

        Raises:
            ConfigError: The dataset or the previous version does not fit the weights or the
                options, or `out` is there already. Nothing was trained.
            TrainingError: The loss is not finite any more. Nothing was published.
        """
        start_s = time.perf_counter()
        check_dataset(dataset, self.base)
        check_vocabulary(dataset, self._model.get_input_embeddings().num_embeddings)
        require_new(out)
        with self._computing(), self._adapted(options.lora, options.seed) as lora:
            known = None if previous is None else self._read(lora, previous)
            scorer = Scorer(lora.model, max_tokens=options.micro_tokens)
            job = Job(lora, scorer, dataset.samples, options, on_progress or _say_nothing)
            if known is not None and options.start == "previous":
                lora.put(known)
            if options.loss != "sft":
                anchor = known if options.anchor == "previous" else None
                job.refer(lora.off() if anchor is None else lora.holding(anchor))
            with self._checkpointing(on=options.checkpointing):
                steps = job.run()
            with publishing(out) as made:
                lora.save(made, weights=self._name)
                write_record(made, self._record(dataset, options, previous))
        return TrainingReport(
            tuple(steps),
            n_samples=len(dataset.samples),
            n_targets=dataset.n_targets,
            n_tokens=job.n_tokens,
            wall_s=time.perf_counter() - start_s,
        )

    def logprobs(
        self,
        samples: Sequence[Sample],
        adapter: Path | None = None,
        *,
        micro_tokens: int = 4096,
    ) -> list[Logprobs]:
        """The log-probability of each target of each sample, by a version or by the base.

        Args:
            samples: Are scored.
            adapter: Folder of the version; None for the base.
            micro_tokens: Tokens that are computed at once, padding included.

        Raises:
            ConfigError: The adapter cannot be read, or is of other weights.
        """
        if adapter is None:
            with self._computing():
                return Scorer(self._model, max_tokens=micro_tokens).logprobs(samples)
        check_base(adapter, self.base)
        with self._computing(), self._adapted(lora_options(adapter), seed=0) as lora:
            lora.put(self._read(lora, adapter))
            return Scorer(lora.model, max_tokens=micro_tokens).logprobs(samples)

    def checksum(self) -> str:
        """Of every bit of the base's tensors, 32 hex digits; no job changes it."""
        digest = hashlib.blake2b(digest_size=16)
        for name, tensor in sorted(self._model.state_dict().items()):
            raw = tensor.detach().cpu().contiguous().view(torch.uint8).numpy()
            digest.update(name.encode() + raw.tobytes())
        return digest.hexdigest()

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Within the block this thread computes with the trainer's cores.

        Torch begins each thread with the number that was set last, be it an engine's in another.
        """
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    @contextmanager
    def _adapted(self, options: LoraOptions, seed: int) -> Iterator[Lora]:
        """Within the block there is a new adapter on the base, and a random state of its own."""
        device = self._model.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            lora = Lora(self._model, options)
            try:
                yield lora
            finally:
                lora.remove()
                self._model.eval()

    @contextmanager
    def _checkpointing(self, *, on: bool) -> Iterator[None]:
        """Within the block activations are computed twice, and fewer of them held."""
        if not on:
            yield
            return
        try:
            self._model.activation_checkpointing_enable()
        except ValueError as error:
            raise ConfigError(f"checkpointing must be off for these weights: {error}") from error
        try:
            yield
        finally:
            self._model.activation_checkpointing_disable()

    def _read(self, lora: Lora, folder: Path) -> dict[str, Tensor]:
        check_base(folder, self.base)
        return lora.read(folder)

    def _record(
        self, dataset: Dataset, options: TrainingOptions, previous: Path | None
    ) -> AdapterRecord:
        parent = previous if options.start == "previous" else None
        return AdapterRecord(
            base=self.base,
            weights=self._name,
            parent="" if parent is None else parent.name,
            parent_digest="" if parent is None else fingerprint(parent, whole=True),
            data=dataset.digest(),
            options=asdict(options),
        )


def _say_nothing(_: Progress) -> None:
    pass
