"""The directory of a run: its file, its lock, its segments and their seals.

::

    run.yaml                     what was run: configuration, seed, versions
    lock                         held by the process that runs it
    segments/000001-driver.log   records of the host "driver" in epoch 1
    segments/000001-driver.seal  how many bytes of them count, once that host has ended
    summary.json                 what a finished run came to
    tables/                      the same as Parquet, for pandas

Epochs are numbers that only grow over the life of a run, so the order of segments is the order of
epochs. Nothing here is pickled: a directory from a stranger is safe to open.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from simlab.errors import LogDamagedError, RunDirectoryError
from simlab.trace.segment import Segment

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

FORMAT = 1
"""Version of the layout and of the records; runs of newer versions are refused."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """Where one host writes in one epoch."""

    path: Path
    epoch: int
    host: str

    @property
    def seal(self) -> Path:
        """The file that says how much of the segment counts; it exists once the host has ended."""
        return self.path.with_suffix(".seal")

    def sealed_length(self) -> int | None:
        """Bytes that count, or None while the segment is open or about to be sealed."""
        try:
            said = json.loads(self.seal.read_text())
        except FileNotFoundError:
            return None
        length = said.get("bytes")
        return None if length is None else int(length)

    def open(self) -> Segment:
        """The segment, for reading."""
        return Segment(self.path, length=self.sealed_length())


class RunDirectory:
    """A run's directory; `create` makes a new one, `open` takes one that exists."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, run: Mapping[str, Any]) -> "RunDirectory":
        """Make a new directory with its `run.yaml`.

        Args:
            path: Must not exist, or be an empty folder.
            run: What is run, as plain data.

        Raises:
            RunDirectoryError: Something is there already.
        """
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunDirectoryError(
                f"{path} exists already; go on with it by --resume, or choose another by --out"
            )
        (path / "segments").mkdir(parents=True, exist_ok=True)
        directory = cls(path)
        directory.write_run(run)
        return directory

    @classmethod
    def open(cls, path: Path) -> "RunDirectory":
        """Take a directory that exists.

        Raises:
            RunDirectoryError: It is not a run, or from a newer version.
        """
        directory = cls(path)
        directory.read_run()
        return directory

    @staticmethod
    def is_one(path: Path) -> bool:
        """Whether there is a run at a path."""
        return (path / "run.yaml").is_file()

    def read_run(self) -> dict[str, Any]:
        """What `run.yaml` says.

        Raises:
            RunDirectoryError: There is none, it cannot be read, or it is from a newer version.
        """
        file = self.path / "run.yaml"
        try:
            run = yaml.safe_load(file.read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise RunDirectoryError(
                f"{self.path} is not a run: it has no run.yaml; runs are listed by `ls runs`"
            ) from None
        except yaml.YAMLError as error:
            raise RunDirectoryError(f"{file} is not YAML: {error}") from error
        if not isinstance(run, dict) or not isinstance(run.get("format"), int):
            raise RunDirectoryError(f"{file} is not a run's file: it has no number under 'format'")
        if run["format"] > FORMAT:
            raise RunDirectoryError(
                f"{self.path} has format {run['format']}, this SimLab reads up to {FORMAT}; "
                "use a newer SimLab"
            )
        return run

    def write_run(self, run: Mapping[str, Any]) -> None:
        """Write `run.yaml`, whole or not at all."""
        text = yaml.safe_dump({"format": FORMAT, **run}, sort_keys=False, allow_unicode=True)
        write_whole(self.path / "run.yaml", text.encode())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory against other processes that would run it.

        Raises:
            RunDirectoryError: Another process holds it; names its id.
        """
        with (self.path / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise RunDirectoryError(
                    f"{self.path} is in use by process {file.read().strip() or 'unknown'}; "
                    "wait for it, or end it"
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def segments(self) -> list[SegmentFile]:
        """All segments, by epoch.

        Raises:
            LogDamagedError: One was removed: its seal is there, or segments of later epochs.
        """
        sealed = self._segment_files(".seal")  # looked at first: a seal comes after its segment
        found = self._segment_files(".log")
        known = {segment.epoch: segment.path.name for segment in (*sealed, *found)}
        missing = set(range(1, max(known, default=0) + 1)) - {segment.epoch for segment in found}
        if missing:
            name = known.get(min(missing), f"{min(missing):06}-*.log")
            raise LogDamagedError(
                f"segment {name} is missing in {self.path / 'segments'}; restore the file from a "
                "copy"
            )
        return found

    def _segment_files(self, suffix: str) -> list[SegmentFile]:
        """The segments of which there is a file with a suffix, by epoch."""
        found = []
        for path in (self.path / "segments").glob(f"*{suffix}"):
            epoch, _, host = path.stem.partition("-")
            if epoch.isdigit() and host:
                found.append(SegmentFile(path.with_suffix(".log"), int(epoch), host))
        return sorted(found, key=lambda segment: segment.epoch)

    def segment(self, epoch: int) -> SegmentFile:
        """The segment of an epoch.

        Raises:
            RunDirectoryError: Nobody was given that epoch.
        """
        for segment in self.segments():
            if segment.epoch == epoch:
                return segment
        raise RunDirectoryError(f"{self.path} has no segment of epoch {epoch}")

    def new_segment(self, host: str) -> SegmentFile:
        """An empty segment under the next epoch, which no other host will ever get.

        Args:
            host: Becomes part of a file name.

        Raises:
            ValueError: It has other characters than letters, digits, ``_``, ``.`` and ``-``.
        """
        if not _HOST.fullmatch(host):
            raise ValueError(
                f"a host is named by letters, digits, '_', '.' and '-', beginning with a letter "
                f"or digit, got {host!r}"
            )
        segments = self.segments()
        epoch = segments[-1].epoch + 1 if segments else 1
        path = self.path / "segments" / f"{epoch:06}-{host}.log"
        path.touch(exist_ok=False)
        sync_folder(path.parent)
        return SegmentFile(path, epoch, host)

    def seal(self, segment: SegmentFile, *, next_epoch: int | None = None) -> None:
        """Fix how much of a segment counts; whatever is written behind never does.

        The seal is there before its length is: a writer that is still alive looks for it after
        each sync, so what it was told to be durable is counted, and nothing later is promised.
        Sealing twice changes nothing.

        Args:
            segment: Its writer has ended, or is to be ignored from now on.
            next_epoch: Under which the host goes on, to be named to the old one.

        Raises:
            LogDamagedError: The segment is damaged before its tail.
        """
        if segment.sealed_length() is not None:
            return
        seal = {"host": segment.host, "epoch": segment.epoch, "next_epoch": next_epoch}
        write_whole(segment.seal, json.dumps(seal).encode())
        descriptor = os.open(segment.path, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        length = Segment(segment.path).length
        write_whole(segment.seal, json.dumps({**seal, "bytes": length}).encode())

    def seal_all(self) -> None:
        """Seal every segment, as those do who take over a run."""
        for segment in self.segments():
            self.seal(segment)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that after any crash it is the old one or the new one, whole."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
