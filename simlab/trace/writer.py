"""The writer of one segment: appends records, commits groups of them, refuses after a seal."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import msgspec

from simlab.errors import SimlabError, StaleEpochError
from simlab.trace.append_file import AppendFile
from simlab.trace.contents import AS_IS, PIECES, Content, Reference, refer
from simlab.trace.disk import write_error, written
from simlab.trace.events import BLOB
from simlab.trace.pieces import PiecesWriter
from simlab.trace.seal import read_seal
from simlab.trace.segment import MAGIC, RUN, Segment, pack

_QUICK_S: Final = 0.001
"""A sync that takes less runs in the event loop: handing it to a thread costs as much CPU again."""

_REMEMBERED_BYTES: Final = 1 << 26
"""How much text a writer knows by heart, to find its reference without hashing it."""

_REMEMBERED_HASHES: Final = 1 << 19
"""How many contents a writer knows to be stored; one that it forgot is stored again."""

_encode = msgspec.msgpack.Encoder().encode


class SegmentWriter:
    """Appends records to a segment of its own, from any thread, with or without an event loop.

    What was appended outlives this process; what was committed outlives the machine. The first
    caller of `commit` starts a sync, and all who come while it runs share the next one. Syncs that
    turn out slow run in a thread of their own.

    Args:
        path: The file. If it ends in a torn tail, that is cut off first.
        seal: The file whose presence says that this segment was sealed and its writer replaced.
        open_file: Opens the file for appending.

    Raises:
        LogDamagedError: The file is there and damaged before its tail.
        LogWriteError: The disk does not take it.
        StaleEpochError: The segment was sealed.
    """

    def __init__(
        self,
        path: Path,
        *,
        seal: Path | None = None,
        open_file: Callable[[Path], AppendFile] = AppendFile,
    ) -> None:
        self.path = path
        self._seal = seal
        self._name = f"segment {path.name}"
        with written(self._name):
            self._file = open_file(path)
        self._lock = threading.Lock()
        self._failure: SimlabError | ValueError | None = None
        self._unwritten: list[bytes] = []
        self._stored: set[bytes] = set()
        self._known: dict[str | bytes, Reference] = {}
        self._known_bytes = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._syncing = False
        self._sync_s = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._syncer: _Syncer | None = None
        self._begin()

    def append(self, kind: int, episode: int, payload: bytes) -> None:
        """Put a record behind all others, with the contents that it refers to before it.

        Raises:
            StaleEpochError: The segment was sealed.
            LogWriteError: The disk takes no more, now or at an earlier write.
        """
        record = pack(kind, episode, payload)
        with self._lock:
            if self._unwritten:
                record = b"".join([*self._unwritten, record])
                self._unwritten.clear()
            self._write(record)

    def intern(self, content: Content, lists: PiecesWriter | None = None) -> Reference:
        """A reference to a content, which is stored with the next record.

        Args:
            content: Text, bytes, or a list of integers of at most 64 bits.
            lists: Writes a list of integers in pieces of those that it has written before.
        """
        if isinstance(content, list):
            return self._intern_numbers(content, lists or PiecesWriter())
        reference = self._known.get(content)
        if reference is None:
            reference, data = refer(content)
            name = bytes(reference.data)
            if name not in self._stored:
                self._store(name, AS_IS, data)
            self._know(content, reference)
        return reference

    async def commit(self) -> None:
        """Wait until everything appended so far is durable.

        Raises:
            StaleEpochError: The segment was sealed; what was appended does not count.
            LogWriteError: The disk did not take it.
        """
        self._refuse_after_failure()
        if not self._adopt(asyncio.get_running_loop()):
            self.sync()
            return
        assert self._loop is not None
        done: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(done)
        if not self._syncing:
            self._syncing = True
            self._loop.call_soon(self._start_sync)
        await done

    def sync(self) -> None:
        """Make everything appended so far durable, in the calling thread.

        Raises:
            StaleEpochError: The segment was sealed; what was appended does not count.
            LogWriteError: The disk did not take it.
        """
        self._refuse_after_failure()
        try:
            self._file.sync()
        except OSError as error:
            raise self._fail(write_error(self._name, error)) from error
        self._refuse_if_sealed()

    def close(self) -> None:
        """Sync and close the file; writing afterwards is an error.

        Raises:
            StaleEpochError: The segment was sealed; what was appended does not count.
            LogWriteError: The disk did not take it.
        """
        if self._syncer is not None:
            self._syncer.stop()
        try:
            if self._failure is None:
                self.sync()
        finally:
            self._file.close()
            self._failure = ValueError(f"segment {self.path.name} is closed")

    def _begin(self) -> None:
        """Write what a segment begins with, or cut off the torn tail of one that has begun."""
        try:
            self._refuse_if_sealed()
            there = Segment(self.path)
            if there.torn_bytes:
                with written(self._name):
                    self._file.cut(there.length)
            if not there.length:
                self._write(MAGIC)
        except BaseException:
            self._file.close()
            raise

    def _write(self, data: bytes) -> None:
        self._refuse_after_failure()
        try:
            self._file.write(data)
        except OSError as error:
            raise self._fail(write_error(self._name, error)) from error

    def _intern_numbers(self, content: list[int], lists: PiecesWriter) -> Reference:
        reference, data = refer(content)
        name = bytes(reference.data)
        if name not in self._stored:
            self._store(name, PIECES, _encode(lists.write(content, data)))
        lists.keep(name, data)
        return reference

    def _store(self, name: bytes, form: bytes, data: bytes) -> None:
        with self._lock:
            self._unwritten.append(pack(BLOB, RUN, name + form + data))
            if len(self._stored) >= _REMEMBERED_HASHES:
                self._stored.clear()
            self._stored.add(name)

    def _know(self, content: str | bytes, reference: Reference) -> None:
        self._known_bytes += len(content)
        if self._known_bytes > _REMEMBERED_BYTES:
            self._known.clear()
            self._known_bytes = len(content)
        self._known[content] = reference

    def _adopt(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Let commits wait in this loop; False while another loop that is alive has them."""
        if loop is not self._loop:
            if self._loop is not None and self._loop.is_running():
                return False
            self._loop, self._waiting, self._syncing = loop, [], False
        return True

    def _start_sync(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._sync_s < _QUICK_S:
            self._acknowledge(waiting, self._try_sync())
            return
        if self._syncer is None:
            self._syncer = _Syncer(self._try_sync)
        loop = self._loop
        assert loop is not None

        def synced(error: Exception | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._acknowledge, waiting, error)

        self._syncer.run(synced)

    def _try_sync(self) -> Exception | None:
        start = time.perf_counter()
        try:
            self.sync()
        except Exception as error:
            return error
        self._sync_s = 0.8 * self._sync_s + 0.2 * (time.perf_counter() - start)
        return None

    def _acknowledge(self, waiting: list[asyncio.Future[None]], error: Exception | None) -> None:
        for done in waiting:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
        if self._waiting:
            self._start_sync()
        else:
            self._syncing = False

    def _refuse_if_sealed(self) -> None:
        if self._seal is not None and self._seal.exists():
            raise self._fail(_stale_error(self.path, self._seal))

    def _fail(self, error: SimlabError) -> SimlabError:
        """Remember the first failure: behind a record that is missing nothing may be written."""
        self._failure = self._failure or error
        return error

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise type(self._failure)(str(self._failure)) from self._failure


class _Syncer:
    """One thread that syncs when told to; cheaper by half than an executor's future."""

    def __init__(self, sync: Callable[[], Exception | None]) -> None:
        self._sync = sync
        self._told: SimpleQueue[Callable[[Exception | None], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="simlab-log", daemon=True)
        self._thread.start()

    def run(self, done: Callable[[Exception | None], None]) -> None:
        """Sync once and call `done` from the thread, with the error if there was one."""
        self._told.put(done)

    def stop(self) -> None:
        """End the thread after the syncs that it was told."""
        self._told.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (done := self._told.get()) is not None:
            done(self._sync())


def _stale_error(path: Path, seal: Path) -> StaleEpochError:
    said = read_seal(seal)
    assert said is not None, "nobody takes a seal away"
    successor = said.next_epoch
    by = "sealed" if successor is None else f"sealed and its host replaced in epoch {successor}"
    return StaleEpochError(
        f"segment {path.name} of epoch {said.epoch} was {by}; what was written since does not count"
    )
