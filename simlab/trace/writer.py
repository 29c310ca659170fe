"""The writer of one segment: appends records, commits groups of them, refuses after a seal."""

import asyncio
import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from simlab.errors import StaleEpochError
from simlab.trace.events import BLOB
from simlab.trace.plain import Reference
from simlab.trace.segment import MAGIC, RUN, pack

TEXT = 1
"""Code of a reference to a text (UTF-8)."""

BYTES = 2
"""Code of a reference to bytes."""

_QUICK_S = 0.001
"""A sync that takes less runs in the event loop: handing it to a thread costs as much CPU again."""

_REMEMBERED = 1 << 16
"""How many contents a writer remembers; one that was forgotten is stored again."""


def content_hash(data: bytes) -> bytes:
    """The 16 bytes by which a content is known."""
    return hashlib.blake2b(data, digest_size=16).digest()


def reference_to(value: str | bytes) -> Reference:
    """The reference to a content, for those who digest it and store it nowhere."""
    return _refer(value)[0]


def _refer(value: str | bytes) -> tuple[Reference, bytes]:
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        return msgspec.msgpack.Ext(TEXT, content_hash(data)), data
    return msgspec.msgpack.Ext(BYTES, content_hash(value)), value


class SegmentWriter:
    """Appends records to a segment of its own, from any thread.

    `append` puts a record behind all earlier ones and returns at once; it reaches the file with the
    next turn of the event loop. `commit` returns when all that was appended before is on the disk:
    the first caller starts a sync, and all who come while it runs share the next one. Syncs that
    turn out slow run in a thread of their own.

    Args:
        path: The file, empty or not there yet; its folder exists.
        seal: The file whose presence says that this segment was sealed and its writer replaced.
    """

    def __init__(self, path: Path, *, seal: Path | None = None) -> None:
        self.path = path
        self._seal = seal
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._lock = threading.Lock()
        self._buffer: list[bytes] = [MAGIC]
        self._known: dict[str | bytes, Reference] = {}
        self._stored: set[bytes] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._flush_due = False
        self._syncing = False
        self._sync_s = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._syncer: _Syncer | None = None
        self._failure: BaseException | None = None
        self.on_failure: Callable[[BaseException], None] | None = None
        """Called once, in the event loop, when a write or sync has failed."""

    def append(self, kind: int, episode: int, payload: bytes) -> None:
        """Put a record behind all others.

        Raises:
            StaleEpochError: The segment was sealed.
            OSError: An earlier write failed, such as on a full disk.
        """
        if self._failure is not None:
            raise self._failure
        record = pack(kind, episode, payload)
        with self._lock:
            self._buffer.append(record)
        if not self._flush_due and self._loop is not None:
            self._flush_due = True
            self._loop.call_soon_threadsafe(self._flush_soon)

    def intern(self, value: str | bytes) -> Reference:
        """A reference to a content, which is stored with its first use."""
        reference = self._known.get(value)
        if reference is None:
            reference, data = _refer(value)
            if reference.data not in self._stored:
                self.append(BLOB, RUN, bytes(reference.data) + data)
                self._stored.add(bytes(reference.data))
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[value] = reference
        return reference

    async def commit(self) -> None:
        """Wait until everything appended so far is durable.

        Raises:
            StaleEpochError: The segment was sealed; what was appended does not count.
            OSError: The disk did not take it.
        """
        if self._failure is not None:
            raise self._failure
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(done)
        if not self._syncing:
            self._syncing = True
            self._loop.call_soon(self._start_sync)
        await done

    def sync(self) -> None:
        """Write and sync in the calling thread, for use without an event loop."""
        self._flush()
        os.fdatasync(self._file)
        self._refuse_if_sealed()

    def close(self) -> None:
        """Write what is left, sync, and close the file; writing afterwards is an error."""
        if self._syncer is not None:
            self._syncer.stop()
        try:
            if self._failure is None:
                self.sync()
        finally:
            os.close(self._file)
            self._failure = ValueError(f"segment {self.path.name} is closed")

    def _start_sync(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._sync_s < _QUICK_S:
            self._acknowledge(waiting, self._try_sync())
            return
        if self._syncer is None:
            self._syncer = _Syncer(self._try_sync)
        self._syncer.run(lambda error: self._synced(waiting, error))

    def _try_sync(self) -> Exception | None:
        start = time.perf_counter()
        try:
            self.sync()
        except Exception as error:
            return error
        self._sync_s = 0.8 * self._sync_s + 0.2 * (time.perf_counter() - start)
        return None

    def _synced(self, waiting: list[asyncio.Future[None]], error: Exception | None) -> None:
        """In the syncing thread: hand the outcome to the event loop."""
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._acknowledge, waiting, error)

    def _acknowledge(self, waiting: list[asyncio.Future[None]], error: Exception | None) -> None:
        if error is not None:
            self._fail(error)
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

    def _flush_soon(self) -> None:
        self._flush_due = False
        if self._failure is None:
            try:
                self._flush()
            except OSError as error:
                self._fail(error)

    def _flush(self) -> None:
        """Hand the buffer to the operating system, whole records in order."""
        with self._lock:
            data = b"".join(self._buffer)
            self._buffer.clear()
            start = 0
            try:
                while start < len(data):
                    start += os.write(self._file, data[start:] if start else data)
            except OSError:
                self._buffer.insert(0, data[start:])
                raise

    def _refuse_if_sealed(self) -> None:
        if self._seal is not None and self._seal.exists():
            raise StaleEpochError(
                f"segment {self.path.name} was sealed and its host replaced "
                f"({self._seal.read_text().strip()}); what was written since does not count"
            )

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
            if self.on_failure is not None:
                self.on_failure(error)


class _Syncer:
    """One thread that syncs when told to; cheaper by half than an executor's future."""

    def __init__(self, sync: Callable[[], Exception | None]) -> None:
        self._sync = sync
        self._told = threading.Semaphore(0)
        self._done: Callable[[Exception | None], None] | None = None
        self._thread = threading.Thread(target=self._serve, name="simlab-log", daemon=True)
        self._thread.start()

    def run(self, done: Callable[[Exception | None], None]) -> None:
        """Sync once and call `done` from the thread, with the error if there was one."""
        self._done = done
        self._told.release()

    def stop(self) -> None:
        """End the thread after the sync that it is at."""
        self._done = None
        self._told.release()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            self._told.acquire()
            done = self._done
            if done is None:
                return
            done(self._sync())
