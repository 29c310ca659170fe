"""The directory of a sweep: what is tried, its trials, and how they have gone.

::

    sweep.yaml                 what is varied, in which space, from which seed
    trials/000/                the first trial: a training, or a run, like any other
    table.json, table.parquet  how the trials have gone
    best.yaml                  the file of the best: simlab train best.yaml, or simlab run best.yaml

Nothing here is pickled: a directory from a stranger is safe to open.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from simlab.errors import RunDirectoryError
from simlab.sim.own_files import found_again
from simlab.sweep.trial import Trial
from simlab.trace.directory import RunDirectory
from simlab.trace.disk import made, read_json, write_whole
from simlab.trace.record_file import mapping_in, read_record_file, write_record_file
from simlab.yaml_file import as_yaml

FILE = "sweep.yaml"
FORMAT = 1
_BEGINNING = {"lock", f"{FILE}.partial"}


@dataclass(frozen=True, slots=True)
class SweepDirectory:
    """A sweep's directory; `create` makes a new one, `open` takes one that exists.

    Attributes:
        path: Where it is.
    """

    path: Path

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether there is a sweep at a path."""
        return (path / FILE).is_file()

    @classmethod
    def open(cls, path: Path) -> "SweepDirectory":
        """Take a directory that exists.

        Raises:
            RunDirectoryError: It is no sweep, or from a newer version.
        """
        directory = cls(path)
        directory.read()
        return directory

    @classmethod
    def create(cls, path: Path, record: Mapping[str, Any]) -> "SweepDirectory":
        """Make a new directory with its `sweep.yaml`.

        Args:
            path: Must not exist, or be an empty folder.
            record: What is tried, as plain data.

        Raises:
            RunDirectoryError: Something is there already, or the disk does not take it.
        """
        directory = cls(path)
        with made(path):
            path.mkdir(parents=True, exist_ok=True)
            if {entry.name for entry in path.iterdir()} - _BEGINNING:
                raise RunDirectoryError(
                    f"{path} is not empty; go on with a sweep that is there by --resume, or choose "
                    "another place by --out"
                )
            write_record_file(path / FILE, record, format=FORMAT)
        return directory

    def read(self) -> dict[str, Any]:
        """What `sweep.yaml` says, but for users' files that have moved.

        Raises:
            RunDirectoryError: There is none, it cannot be read, or it is from a newer version.
        """
        file = self.path / FILE
        record = read_record_file(file, "sweep", newest=FORMAT)
        sweep = mapping_in(record, file, "sweep")
        holder = sweep if "run" in sweep else mapping_in(record, file, "sweep", "training")
        keys = ("sweep", "run") if "run" in sweep else ("sweep", "training", "run")
        known = {
            "run": mapping_in(record, file, *keys),
            "files": mapping_in({"files": {}, **record}, file, "files"),
        }
        places = found_again(known, [Path.cwd(), *self.path.resolve().parents])
        holder["run"] = places["run"]
        return record

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory against other processes; see `RunDirectory.locked`."""
        with RunDirectory(self.path).locked():
            yield

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
