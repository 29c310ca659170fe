"""The directory of a training: what was asked for, its versions and its rounds.

::

    train.yaml                 what is trained, how, from which seed; versions and weights
    agent@1/                   a version that was published; see `simlab.train.adapter`
    rounds/000/cases/          the record of the labelled cases on which judges of harm are tried
    rounds/000/evaluate/       a run: how the base does on states that are held out
    rounds/001/collect/        a run: what was played to learn from
    rounds/001/scored.jsonl    its episodes and what they were rated
    rounds/001/dataset.parquet what was learnt from
    rounds/001/candidate/      the version, before it is known whether it is published
    rounds/001/evaluate/       a run: how it does
    rounds/001/round.json      which phases are done, from what, and what they came to
    table.json, table.parquet  the table of rounds
    plots/                     figures as PNG
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlab.errors import RunDirectoryError
from simlab.sim.own_files import found_again
from simlab.trace.directory import RunDirectory
from simlab.trace.disk import made
from simlab.trace.record_file import mapping_in, read_record_file, write_record_file
from simlab.train.round_record import RoundRecord, read_round

FILE = "train.yaml"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class TrainingDirectory:
    """A training's directory; `create` makes a new one, `open` takes one that exists.

    Attributes:
        path: Where it is.
    """

    path: Path

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether there is a training at a path."""
        return (path / FILE).is_file()

    @classmethod
    def open(cls, path: Path) -> "TrainingDirectory":
        """Take a directory that exists.

        Raises:
            RunDirectoryError: It is no training, or from a newer version.
        """
        directory = cls(path)
        directory.read()
        return directory

    @classmethod
    def create(cls, path: Path, record: Mapping[str, Any]) -> "TrainingDirectory":
        """Make a new directory with its `train.yaml`.

        Args:
            path: Must not exist, or be an empty folder.
            record: What is trained, as plain data.

        Raises:
            RunDirectoryError: Something is there already, or the disk does not take it.
        """
        directory = cls(path)
        with made(path):
            path.mkdir(parents=True, exist_ok=True)
            if cls.is_one(path):
                raise RunDirectoryError(
                    f"{path} exists already; go on with it by --resume, or choose another by --out"
                )
            if any(entry.name not in ("lock", f"{FILE}.partial") for entry in path.iterdir()):
                raise RunDirectoryError(
                    f"{path} is no training and not empty; choose another by --out"
                )
            directory.write(record)
        return directory

    def write(self, record: Mapping[str, Any]) -> None:
        """Write `train.yaml`, whole or not at all.

        Raises:
            LogWriteError: The disk does not take it.
        """
        write_record_file(self.path / FILE, record, format=FORMAT)

    def read(self) -> dict[str, Any]:
        """What `train.yaml` says, but for users' files that have moved.

        Raises:
            RunDirectoryError: There is none, it cannot be read, or it is from a newer version.
        """
        file = self.path / FILE
        record = read_record_file(file, "training", newest=FORMAT)
        known = {
            "run": mapping_in(record, file, "training", "run"),
            "files": mapping_in({"files": {}, **record}, file, "files"),
        }
        places = found_again(known, [Path.cwd(), *self.path.resolve().parents])
        return {**record, "training": {**record["training"], "run": places["run"]}}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory against other processes; see `RunDirectory.locked`."""
        with RunDirectory(self.path).locked():
            yield

    def round(self, number: int) -> Path:
        """The folder of a round."""
        return self.path / "rounds" / f"{number:03}"

    def rounds(self) -> list[RoundRecord]:
        """The records of all rounds that have begun, by number.

        Raises:
            RunDirectoryError: One cannot be read.
        """
        folders = sorted((self.path / "rounds").glob("[0-9]*"), key=lambda path: int(path.name))
        found = [read_round(folder) for folder in folders]
        return [record for record in found if record is not None]

    def plots(self) -> list[Path]:
        """The figures that were drawn, by name."""
        return sorted((self.path / "plots").glob("*.png"))
