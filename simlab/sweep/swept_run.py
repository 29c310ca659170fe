"""Trials that are runs, compared by a judge's mean score or by a seat's mean return."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlab.errors import ConfigError
from simlab.find import near
from simlab.sim.casting import make_world, seat_specs
from simlab.sim.config import RunFile, checked
from simlab.sim.launch import prepare
from simlab.sim.overrides import overridden
from simlab.sim.places import without_places
from simlab.sim.provenance import provenance
from simlab.sim.rehearsal import rehearse
from simlab.sweep.swept import OnReport, unserved
from simlab.trace.directory import RunDirectory
from simlab.train.any_trainer import AnyTrainer

SCORE, RETURN = "score.", "return."
"""How metrics begin: the rest names a judge or a seat."""


@dataclass(frozen=True)
class SweptRun:
    """A run; see `Swept`.

    Attributes:
        file: What is run.
    """

    file: RunFile

    rounds = 0
    base = None

    @property
    def played(self) -> RunFile:
        """The run itself."""
        return self.file

    def varied(self, settings: Sequence[str]) -> "SweptRun":
        """The same under other settings, with weights served that trials are to share."""
        file = checked(overridden(self.data(), settings=settings))
        replicas = [f"models.{name}.replicas=1" for name in unserved(file)]
        file = checked(overridden(self.data(), settings=[*settings, *replicas]))
        rehearse(file)
        return SweptRun(file)

    def check_metric(self, metric: str) -> None:
        """See that the run has such a judge or seat."""
        seats = seat_specs(self.file, make_world(self.file))
        known = [SCORE + judge for judge in self.file.judges] + [RETURN + seat for seat in seats]
        if metric not in known:
            raise ConfigError(
                f"metric must be one of {known!r}, got {metric!r}; {near(metric, known)}"
            )

    def make(self, directory: Path) -> None:
        """Make the run's directory, if it is not there."""
        if not RunDirectory.is_one(directory):
            RunDirectory.create(directory, provenance(self.file))

    def data(self) -> dict[str, Any]:
        """Its file, as plain data."""
        return self.file.model_dump(mode="json", exclude_unset=True)

    def placeless(self) -> dict[str, Any]:
        """The same, wherever the files stand that it names."""
        return without_places(self.data())


def play_run(
    directory: Path,
    metric: str,
    trainer: AnyTrainer | None,  # noqa: ARG001 - of `Play`
    on_report: OnReport,
) -> None:
    """Go on with a run in this process, and report once, when all episodes have ended.

    Args:
        directory: Of the run.
        metric: See `SweptRun.check_metric`.
        trainer: Nobody.
        on_report: Is told of round 0.
    """
    summary = prepare(directory, hosts=0, resume=True).run().summary
    if metric.startswith(SCORE):
        on_report(0, summary.mean_scores().get(metric.removeprefix(SCORE)))
    else:
        on_report(0, summary.mean_returns().get(metric.removeprefix(RETURN)))
