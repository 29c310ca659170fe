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
import itertools
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from simlab.errors import LogDamagedError, LogWriteError, RunDirectoryError
from simlab.trace.disk import is_left_of, made, make_error, sync, written
from simlab.trace.record_file import read_record_file, write_record_file
from simlab.trace.seal import Seal, read_seal, write_seal
from simlab.trace.segment import Segment

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

_SEGMENT = re.compile(r"([0-9]{1,9})-(.+)", re.DOTALL)

FILE = "run.yaml"

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
        seal = read_seal(self.seal)
        return None if seal is None else seal.length

    def open(self) -> Segment:
        """The segment, for reading."""
        return Segment(self.path, length=self.sealed_length())


class RunDirectory:
    """A run's directory; `create` makes a new one, `open` takes one that exists."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, run: Mapping[str, Any]) -> "RunDirectory":
        """Make a new directory with its `run.yaml`; see `making`."""
        with cls.making(path, run) as directory:
            return directory

    @classmethod
    @contextmanager
    def making(cls, path: Path, run: Mapping[str, Any]) -> Iterator["RunDirectory"]:
        """Make a new directory, which is a run once the block has put into it what it begins with.

        Its `run.yaml` is written last: whatever cuts this off before, there is no run that lacks
        something. If the block fails, what it has put there goes; the folder and the lock stay, in
        nobody's way: to unlink a lock that others may have opened would let two of them hold it.

        Args:
            path: Must not exist, or be an empty folder, or hold what a run leaves that was killed
                before it had anything to record.
            run: What is run, as plain data.

        Raises:
            RunDirectoryError: Something is there already, or the place or the disk does not take
                it.
        """
        directory = cls(path)
        with ExitStack() as stack:
            with made(path):
                directory._require_free()
                (path / "segments").mkdir(parents=True, exist_ok=True)
                stack.enter_context(directory.locked())
                directory._require_free()
            try:
                yield directory
                directory.write_run(run)
            except BaseException as error:
                directory._clear()
                if isinstance(error, LogWriteError):  # of here; what the block reads raises others
                    raise make_error(path, error) from error
                raise

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
        return (path / FILE).is_file()

    def read_run(self) -> dict[str, Any]:
        """What `run.yaml` says.

        Raises:
            RunDirectoryError: There is none, it cannot be read, or it is from a newer version.
        """
        return read_record_file(self.path / FILE, "run", newest=FORMAT)

    def write_run(self, run: Mapping[str, Any]) -> None:
        """Write `run.yaml`, whole or not at all.

        Raises:
            LogWriteError: The disk does not take it.
        """
        write_record_file(self.path / FILE, run, format=FORMAT)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory against other processes that would run it.

        Raises:
            RunDirectoryError: Another process holds it; names its id.
            LogWriteError: The disk does not take this one's id.
        """
        lock = self.path / "lock"
        with lock.open("ab+", buffering=0) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunDirectoryError(
                    f"{self.path} is in use by process {lock.read_text().strip() or 'unknown'}; "
                    "wait for it, or end it"
                ) from None
            with written(lock):
                file.truncate(0)
                file.write(str(os.getpid()).encode())
            yield

    def segments(self) -> list[SegmentFile]:
        """All segments, by epoch.

        Raises:
            RunDirectoryError: Their folder is not there.
            LogDamagedError: One was removed: its seal is there, or segments of later epochs.
        """
        if not (self.path / "segments").is_dir():
            raise RunDirectoryError(
                f"{self.path} has no folder segments/, which keeps all that was recorded; restore "
                "it from a copy"
            )
        sealed = self._segment_files(".seal")  # looked at first: a seal comes after its segment
        found = self._segment_files(".log")
        known = {segment.epoch: segment.path.name for segment in (*sealed, *found)}
        there = {segment.epoch for segment in found}
        missing = next(epoch for epoch in itertools.count(1) if epoch not in there)
        if missing <= max(known, default=0):
            name = known.get(missing, f"{missing:06}-*.log")
            raise LogDamagedError(
                f"segment {name} is missing in {self.path / 'segments'}; restore the file from a "
                "copy"
            )
        return found

    def _segment_files(self, suffix: str) -> list[SegmentFile]:
        """The segments of which there is a file with a suffix, by epoch."""
        found = []
        for path in (self.path / "segments").glob(f"*{suffix}"):
            named = _SEGMENT.fullmatch(path.stem)
            if named is not None:
                found.append(SegmentFile(path.with_suffix(".log"), int(named[1]), named[2]))
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
            LogWriteError: The disk does not take it.
        """
        if not _HOST.fullmatch(host):
            raise ValueError(
                f"a host is named by letters, digits, '_', '.' and '-', beginning with a letter "
                f"or digit, got {host!r}"
            )
        segments = self.segments()
        epoch = segments[-1].epoch + 1 if segments else 1
        path = self.path / "segments" / f"{epoch:06}-{host}.log"
        with written(path):
            path.touch(exist_ok=False)
            sync(path.parent)
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
            LogWriteError: The disk does not take it.
        """
        if segment.sealed_length() is not None:
            return
        seal = Seal(segment.host, segment.epoch, next_epoch)
        write_seal(segment.seal, seal)
        with written(segment.path):
            sync(segment.path)
        length = Segment(segment.path).length
        write_seal(segment.seal, msgspec.structs.replace(seal, length=length))

    def seal_all(self) -> None:
        """Seal every segment, as those do who take over a run."""
        for segment in self.segments():
            self.seal(segment)

    def _require_free(self) -> None:
        """See that a run can be made here.

        Raises:
            RunDirectoryError: Something is here already.
        """
        if self.is_one(self.path):
            raise RunDirectoryError(
                f"{self.path} exists already; go on with it by --resume, or choose another by --out"
            )
        if self.path.exists() and not self._is_empty():
            raise RunDirectoryError(
                f"{self.path} is not a run and not empty; choose another by --out, or empty it "
                "first"
            )

    def _is_empty(self) -> bool:
        """Whether nothing is in the folder that a run was to become, but how that began."""
        names = {entry.name for entry in self.path.iterdir()} - {"lock"}
        names = {name for name in names if not is_left_of(name, FILE)}
        return not names or (names == {"segments"} and not any((self.path / "segments").iterdir()))

    def _clear(self) -> None:
        """Take out of the folder what was put there, but for the lock, which is held."""
        for entry in self.path.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != "lock":
                entry.unlink()
