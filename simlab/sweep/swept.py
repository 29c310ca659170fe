"""What a sweep varies: a training or a run, and what its trials are compared by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from simlab.models.engines import build, read_spec
from simlab.models.held import Held
from simlab.sim.config import RunFile
from simlab.train.any_trainer import AnyTrainer

OnReport = Callable[[int, float | None], None]
"""Is told a round and what the metric is then; None where it is missing."""


@dataclass(frozen=True, slots=True)
class Base:
    """The weights that a training trains, and how its trainer computes.

    Attributes:
        weights: As `simlab.train.trainer.Trainer` takes them.
        dtype: The same.
        device: The same.
        threads: The same, but that None is for all cores but one.
    """

    weights: str
    dtype: str
    device: str
    threads: int | None = None


class Swept(Protocol):
    """A training or a run that was checked, under the settings of one trial."""

    @property
    def rounds(self) -> int:
        """The number of the last round; a run has round 0 alone."""
        ...

    @property
    def played(self) -> RunFile:
        """What is played, with its models."""
        ...

    @property
    def base(self) -> Base | None:
        """What is trained; None where nothing is."""
        ...

    def varied(self, settings: Sequence[str]) -> "Swept":
        """The same under other settings.

        Args:
            settings: ``KEY=VALUE`` each.

        Raises:
            ConfigError: One is refused; no model was asked.
        """
        ...

    def check_metric(self, metric: str) -> None:
        """See that trials can be compared by a metric.

        Raises:
            ConfigError: There is none of that name; tells those that there are.
        """
        ...

    def make(self, directory: Path) -> None:
        """Make the directory of a trial, if it is not there."""
        ...

    def data(self) -> dict[str, Any]:
        """Its file, as plain data."""
        ...

    def placeless(self) -> dict[str, Any]:
        """The same, wherever the files stand that it names."""
        ...


Play = Callable[[Path, str, AnyTrainer | None, OnReport], None]
"""Goes on with a trial in its directory, to its end; is given the metric, and who trains."""


def unserved(run: RunFile) -> list[str]:
    """Names of the models that hold weights and that each trial would load for itself."""
    specs = {name: read_spec(name, spec) for name, spec in run.models.items()}
    return [
        name
        for name, spec in specs.items()
        if spec.replicas is None and isinstance(build(name, spec), Held)
    ]


def is_served(run: RunFile) -> bool:
    """Whether a cluster serves any of its models."""
    return any(spec.get("replicas") for spec in run.models.values())
