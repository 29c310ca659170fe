"""Trials that are trainings, compared by a figure of the table of rounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from simlab.errors import ConfigError
from simlab.find import near
from simlab.sim.config import RunFile
from simlab.sweep.swept import Base, OnReport, unserved
from simlab.train.any_trainer import AnyTrainer
from simlab.train.directory import TrainingDirectory
from simlab.train.launch import make_training, prepare_training
from simlab.train.observer import TrainingObserver
from simlab.train.plays import Plays
from simlab.train.rehearsal import rehearse_training
from simlab.train.setup import placeless, weights_of
from simlab.train.table import Row
from simlab.train.train_file import TrainFile, read_train_file

METRICS = (
    "rating",
    "harm",
    "rating_against_base",
    "harm_against_base",
    "rating_gap",
    "harm_gap",
    "veto_rate",
    "length",
    "refusals",
    "kl",
)
"""Columns of the table of rounds, all of them of states that are held out."""


@dataclass(frozen=True)
class SweptTraining:
    """A training; see `Swept`.

    Attributes:
        file: What is trained.
    """

    file: TrainFile

    @property
    def rounds(self) -> int:
        """The number of the last round."""
        return self.file.rounds

    @property
    def played(self) -> RunFile:
        """What is played to compare versions: it has all models."""
        return self._plays.evaluating(None)

    @property
    def base(self) -> Base:
        """The weights that are trained."""
        own = self.file.trainer
        return Base(weights_of(self.file, self._plays), own.dtype, own.device, own.threads)

    def varied(self, settings: Sequence[str]) -> "SweptTraining":
        """The same under other settings, with weights served that trials are to share."""
        file = read_train_file(self.data(), settings=settings)
        replicas = [f"run.models.{name}.replicas=1" for name in unserved(file.run)]
        found = SweptTraining(read_train_file(self.data(), settings=[*settings, *replicas]))
        _ = found._plays  # which rehearses it
        return found

    def check_metric(self, metric: str) -> None:
        """See that the table of rounds has such a column."""
        if metric not in METRICS:
            raise ConfigError(
                f"metric must be one of {METRICS!r}, got {metric!r}; {near(metric, METRICS)}"
            )

    def make(self, directory: Path) -> None:
        """Make the training's directory, if it is not there."""
        if not TrainingDirectory.is_one(directory):
            make_training(self.file, directory)

    def data(self) -> dict[str, Any]:
        """Its file, as plain data."""
        return self.file.model_dump(mode="json", exclude_unset=True)

    def placeless(self) -> dict[str, Any]:
        """The same, wherever the files stand that it names."""
        return placeless(self.file)

    @cached_property
    def _plays(self) -> Plays:
        return rehearse_training(self.file)


def play_training(
    directory: Path, metric: str, trainer: AnyTrainer | None, on_report: OnReport
) -> None:
    """Go on with a training, and report each round: first those again that are done.

    What is reported is the figure of the version that stands after a round: that of the round
    before where one is held back.

    Args:
        directory: Of the training.
        metric: One of `METRICS`.
        trainer: Who trains.
        on_report: Is told of each round.
    """
    standing: list[float | None] = []

    def on_round(row: Row) -> None:
        value = standing[-1] if row["verdict"] == "held back" else _figure(row[metric])
        standing.append(value)
        on_report(row["round"], value)

    training = prepare_training(directory, resume=True)
    training.run(TrainingObserver(on_round=on_round), trainer=trainer)


def _figure(value: float | Mapping[str, float] | None) -> float | None:
    """A column of the table as a number; an interval's is its mean."""
    return value["mean"] if isinstance(value, Mapping) else value
