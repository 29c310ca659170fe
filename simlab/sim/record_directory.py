"""A directory that a record file makes: what was asked for, beside all that comes of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from simlab.errors import RunDirectoryError
from simlab.sim.own_files import found_again
from simlab.trace.directory import RunDirectory
from simlab.trace.disk import is_left_of, made
from simlab.trace.record_file import mapping_in, read_record_file, write_record_file


@dataclass(frozen=True, slots=True)
class RecordDirectory:
    """A directory with a record file; `create` makes a new one, `open` takes one that exists.

    Attributes:
        path: Where it is.
    """

    KIND: ClassVar[str]
    """What is in it, such as ``"training"``, as messages call it."""

    FILE: ClassVar[str]
    """Name of the record file."""

    FORMAT: ClassVar[int]
    """Of the record file; newer ones are refused."""

    RUNS: ClassVar[Sequence[tuple[str, ...]]]
    """The keys in a record, one below the other, under one of which the run stands."""

    path: Path

    @classmethod
    def is_one(cls, path: Path) -> bool:
        """Whether there is one at a path."""
        return (path / cls.FILE).is_file()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Take a directory that exists.

        Raises:
            RunDirectoryError: It is no such directory, or from a newer version.
        """
        directory = cls(path)
        directory.read()
        return directory

    @classmethod
    def create(cls, path: Path, record: Mapping[str, Any]) -> Self:
        """Make a new directory with its record file.

        Args:
            path: Must not exist, or be an empty folder.
            record: What is asked for, as plain data.

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
            names = {entry.name for entry in path.iterdir()} - {"lock"}
            if not all(is_left_of(name, cls.FILE) for name in names):
                raise RunDirectoryError(
                    f"{path} is no {cls.KIND} and not empty; choose another by --out"
                )
            directory.write(record)
        return directory

    def write(self, record: Mapping[str, Any]) -> None:
        """Write the record file, whole or not at all.

        Raises:
            LogWriteError: The disk does not take it.
        """
        write_record_file(self.path / self.FILE, record, format=self.FORMAT)

    def read(self) -> dict[str, Any]:
        """What the record file says, but for users' files that have moved.

        Raises:
            RunDirectoryError: There is none, it cannot be read, or it is from a newer version.
        """
        file = self.path / self.FILE
        record = read_record_file(file, self.KIND, newest=self.FORMAT)
        *above, last = next((keys for keys in self.RUNS if _holds(record, keys)), self.RUNS[-1])
        known = {
            "run": mapping_in(record, file, *above, last),
            "files": mapping_in({"files": {}, **record}, file, "files"),
        }
        places = found_again(known, [Path.cwd(), *self.path.resolve().parents])
        mapping_in(record, file, *above)[last] = places["run"]
        return record

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory against other processes; see `RunDirectory.locked`."""
        with RunDirectory(self.path).locked():
            yield


def _holds(record: Any, keys: tuple[str, ...]) -> bool:
    """Whether something stands in a record under some keys."""
    for key in keys:
        if not isinstance(record, dict) or key not in record:
            return False
        record = record[key]
    return True
