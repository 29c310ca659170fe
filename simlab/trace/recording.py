"""Recordings: runs of scripts and notebooks, with spans, effects and notes but no simulation."""

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType

from simlab.errors import RunDirectoryError
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Outcome
from simlab.trace.faults import fault_of
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.span import inside
from simlab.trace.turn import turn
from simlab.trace.writer import SegmentWriter

ACTOR = "script"
"""Whose spans and effects a recording holds."""


def recording(path: str | Path) -> "Recording":
    """Record what the block does, as episode 0 of a run directory.

    ::

        with recording("runs/interview"):
            with span("ask"):
                answer = asyncio.run(effect("tool", question, call))

    Args:
        path: A directory that is not there yet, or a recording, to which the block adds a step.
    """
    return Recording(Path(path))


class Recording:
    """A run directory that is written while a ``with`` block runs; see `recording`.

    What is inside the block goes into the recording, whatever was recorded around it; after the
    block that is as it was. A recording may be entered again, also within itself. Each span, note
    and effect outlives this process from the moment it is written; all of them outlive the machine
    once the block is over.

    Args:
        path: Of the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: _Entry | None = None
        self._ambient: list[AbstractContextManager[None]] = []

    def __enter__(self) -> Journal:
        """Begin to record.

        Raises:
            RunDirectoryError: The directory is something else, or another process records in it.
            LogWriteError: The disk does not take it.
        """
        if self._open is None:
            self._open = _Entry(self.path)
        self._ambient.append(inside(self._open.root))
        self._ambient[-1].__enter__()
        return self._open.journal

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        """End the recording; an error of the block goes on, whatever becomes of the recording.

        Raises:
            LogWriteError: The disk does not take the end, and the block had no error of its own.
        """
        self._ambient.pop().__exit__(None, None, None)
        if self._ambient or self._open is None:
            return
        entry, self._open = self._open, None
        try:
            entry.close(error)
        except Exception as failure:
            if error is None:
                raise
            error.add_note(f"the recording in {self.path} was not ended: {failure}")


class _Entry:
    """What one outermost block holds: the lock, a segment, and a journal that writes to it."""

    def __init__(self, path: Path) -> None:
        directory = _recording_at(path)
        with ExitStack() as held:
            held.enter_context(directory.locked())
            directory.seal_all()
            before = Log(directory).digest()
            segment = directory.new_segment(ACTOR)
            held.callback(directory.seal, segment)
            writer = SegmentWriter(segment.path, seal=segment.seal)
            held.callback(writer.close)
            self.journal = Journal(0, seed=0, writer=writer)
            self.journal.begin_nowait({"after": before})
            self._step = segment.epoch - 1
            self.root = turn(self.journal, ACTOR, self._step, "entry")
            self._held = held.pop_all()

    def close(self, error: BaseException | None) -> None:
        """Write the end, and give back what is held."""
        failed = None if error is None else fault_of(error, boundary=ACTOR, frames=False)
        with self._held:
            self.journal.end_nowait(Outcome(self._step + 1, {}, {}, {}, failed))


def _recording_at(path: Path) -> RunDirectory:
    """The directory of a recording, made if it is not there."""
    if not RunDirectory.is_one(path):
        return RunDirectory.create(path, {"recording": path.name})
    directory = RunDirectory.open(path)
    if "recording" not in directory.read_run():
        raise RunDirectoryError(f"{path} is a run of a simulation; record in another directory")
    return directory
