"""Whoever trains: a trainer in this process, or one elsewhere that several trainings share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from simlab.train.dataset import Dataset
from simlab.train.options import TrainingOptions
from simlab.train.progress import OnProgress, TrainingReport
from simlab.train.sample import Sample


class AnyTrainer(Protocol):
    """What rounds ask of a trainer; `simlab.train.trainer.Trainer` says what each method does."""

    def train(
        self,
        dataset: Dataset,
        options: TrainingOptions,
        out: Path,
        *,
        previous: Path | None = None,
        on_progress: OnProgress | None = None,
    ) -> TrainingReport:
        """Train an adapter and publish it; blocks."""
        ...

    def logprobs(
        self, samples: Sequence[Sample], adapter: Path | None = None, *, micro_tokens: int = 4096
    ) -> list[tuple[float, ...]]:
        """The log-probability of each target of each sample, by a version or by the base."""
        ...
