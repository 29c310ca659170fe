"""The directory of a sweep: what is tried, its trials, and how they have gone.

::

    sweep.yaml                 what is varied, in which space, from which seed
    trials/000/                the first trial: a training, or a run, like any other
    table.json, table.parquet  how the trials have gone
    best.yaml                  the file of the best: simlab train best.yaml, or simlab run best.yaml

Nothing here is pickled: a directory from a stranger is safe to open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from simlab.sim.record_directory import RecordDirectory
from simlab.sweep.trial import Trial
from simlab.trace.disk import read_json, write_whole
from simlab.yaml_file import as_yaml


@dataclass(frozen=True, slots=True)
class SweepDirectory(RecordDirectory):
    """A sweep's directory."""

    KIND = "sweep"
    FILE = "sweep.yaml"
    FORMAT = 1
    RUNS = (("sweep", "run"), ("sweep", "training", "run"))

    def trial(self, number: int) -> Path:
        """The directory of a trial."""
        return self.path / "trials" / f"{number:03}"

    def trials(self) -> list[Trial]:
        """The trials, by number, as they were last written; none before the first has begun.

        Raises:
            RunDirectoryError: They cannot be read.
        """
        path = self.path / "table.json"
        return read_json(path, list[Trial]) or []

    def write_trials(self, trials: Sequence[Trial]) -> None:
        """Keep the trials, whole or not at all.

        Raises:
            LogWriteError: The disk does not take it.
        """
        text = msgspec.json.format(msgspec.json.encode(trials), indent=2)
        write_whole(self.path / "table.json", text + b"\n")

    def write_frame(self, trials: Sequence[Trial]) -> None:
        """Keep a row for each round of each trial as ``table.parquet``.

        Raises:
            LogWriteError: The disk does not take it.
        """
        import pandas as pd  # heavy

        rows = [
            {"trial": trial.number, **trial.point, "state": trial.state, **asdict(report)}
            for trial in trials
            for report in trial.reports
        ]
        columns = ["trial", *(trials[0].point if trials else ()), "state", "round", "value"]
        frame = pd.DataFrame(rows, columns=columns)
        write_whole(self.path / "table.parquet", frame.to_parquet(index=False))

    @property
    def best(self) -> Path:
        """The file of the best trial; it is there once the sweep has ended."""
        return self.path / "best.yaml"

    def write_best(self, data: Mapping[str, Any]) -> None:
        """Keep the file of the best trial.

        Raises:
            LogWriteError: The disk does not take it.
        """
        write_whole(self.best, as_yaml(dict(data)).encode())
