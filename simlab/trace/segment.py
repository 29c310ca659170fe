"""Segments: append-only files of records, each checked on its own.

A segment begins with `MAGIC` and goes on with records: a header of 13 bytes (checksum, length of
the payload, episode, kind; little-endian) and the payload. The checksum is CRC-32 over all of the
record that follows it. One host writes one segment in one epoch, and nobody changes it afterwards.

A file that was cut ends in a torn tail: fewer bytes than its last header promises. Whatever else
does not check is damage, told from a torn tail by a whole record that stands somewhere behind it.

A segment is read, never mapped: what is mapped kills who looks at it once somebody cuts the file.
"""

import errno
import os
import struct
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from simlab.errors import LogDamagedError
from simlab.trace.index import BEGINNING, CHECKSUM_BYTES, HEADER, Found, Index, candidates

MAGIC = b"SimLab\x00\x01"
"""What a segment begins with; the last byte is the version of the format."""

_CHECKED_HEADER = struct.Struct("<IIB")

RUN = 0xFFFF_FFFF
"""The episode of a record that belongs to none."""

LARGEST = 1 << 30
"""No payload has as many bytes."""

_WINDOW = 1 << 20
"""Bytes that are scanned at once."""

_NEAR = 1 << 14
"""Bytes that are read with a header: the payload is mostly among them, and the records behind."""

_MOST_SEARCHED = 1 << 30
"""Bytes that are looked through and checked in a search for a whole record behind others, which
takes a second; a file can be made to take days."""

_TRIED = 1 << 13
"""What it counts to try whether a record begins somewhere, in bytes: those checked meanwhile."""

_SHORT = 1 << 21
"""Most records have fewer bytes, and most of what looks like a header in noise promises more."""

_Stamp = tuple[int, int, int | None]
"""Size and time of a file, and how much of it counts."""


def pack(kind: int, episode: int, payload: bytes) -> bytes:
    """The bytes of one record.

    Raises:
        ValueError: The payload has `LARGEST` bytes or more.
    """
    if len(payload) >= LARGEST:
        raise ValueError(f"a record takes less than {LARGEST} bytes, got {len(payload)}")
    checked = _CHECKED_HEADER.pack(len(payload), episode, kind) + payload
    return zlib.crc32(checked).to_bytes(CHECKSUM_BYTES, "little") + checked


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in a segment."""

    offset: int
    episode: int
    kind: int
    payload: bytes


class Segment:
    """A segment opened for reading, up to its last whole record.

    Reading never fails because of a torn tail and never changes the file.

    Args:
        path: The file.
        length: How many bytes count, where the segment was sealed; what is behind is not looked at.

    Raises:
        LogDamagedError: A record before the tail, or any record of a sealed segment, does not
            check; names segment, offset and checksums.
    """

    def __init__(self, path: Path, *, length: int | None = None) -> None:
        self.path = path
        self.sealed_length = length
        self.length = 0
        """Bytes up to the end of the last whole record."""
        self._end = 0
        self._near = (0, b"")
        """A part of the file, and where it begins."""
        self._stamp: _Stamp = (0, 0, length)
        """Of the file when it was last read."""
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)
        self.index = self.read_on()
        """Of the records that were there when the segment was opened."""

    @property
    def torn_bytes(self) -> int:
        """Bytes behind the last whole record, dropped on reading."""
        return self._end - self.length

    @property
    def is_replaced(self) -> bool:
        """Whether another file stands in its place by now, such as a copy of it."""
        return not os.path.samestat(os.fstat(self._file), self.path.stat())

    def read_on(self) -> Index:
        """Read what was appended since the last time; only new bytes are checked.

        Returns:
            The records that are new.

        Raises:
            LogDamagedError: As on opening, or bytes that were there are gone.
        """
        stamp, found, end = self._see(), Found(), 0
        if stamp == self._stamp:
            return found.index()
        self._near = (0, b"")
        if self.length or self._begins():
            end = self._scan_on(self.length or len(MAGIC), found)
            if end < self._end:
                self._require_torn(end)
        self.length, self._stamp = end, stamp  # once nothing can raise: what is found is not lost
        return found.index()

    def records(self) -> Iterator[Record]:
        """All records, in order."""
        offset = len(MAGIC)
        while offset < self.length:
            _, length, episode, kind = HEADER.unpack(self._bytes(offset, HEADER.size))
            yield Record(offset, episode, kind, self.payload_at(offset))
            offset += HEADER.size + length

    def payload_at(self, offset: int, *, most: int = LARGEST) -> bytes:
        """The payload of the record that begins at an offset.

        Args:
            offset: Where a record begins.
            most: How many bytes of the payload are wanted.

        Raises:
            LogDamagedError: Bytes that were there are gone.
        """
        start, near = self._near
        if not 0 <= offset - start <= len(near) - HEADER.size:
            start, near = self._near = offset, self._bytes(offset, HEADER.size, at_once=_NEAR)
        body = offset - start + HEADER.size
        size = min(BEGINNING.unpack_from(near, offset - start)[1], most)
        if body + size <= len(near):
            return near[body : body + size]
        return self._bytes(offset + HEADER.size, size)

    def _see(self) -> "_Stamp":
        """Take in how much of the file counts by now; by what it gives, changes are known."""
        status = os.fstat(self._file)
        size = status.st_size
        end = size if self.sealed_length is None else self.sealed_length
        if end > size or size < self.length:
            self._shrunk()
        self._end = end
        return size, status.st_mtime_ns, self.sealed_length

    def _begins(self) -> bool:
        """Whether `MAGIC` is there; a segment that has not even that yet holds nothing."""
        there = self._bytes(0, min(len(MAGIC), self._end))
        if there == MAGIC:
            return True
        torn = MAGIC.startswith(there.rstrip(b"\x00")) and not self.sealed_length
        if not torn or self._record_follows(0) is not False:
            self._damaged(0, f"it begins with {there!r}, a segment of this version with {MAGIC!r}")
        return False

    def _scan_on(self, offset: int, found: Found) -> int:
        """Find the whole records from an offset on; gives where the last of them ends."""
        while self._end - offset >= HEADER.size:
            window = self._bytes(offset, min(_WINDOW, self._end - offset))
            stop = found.scan(window, offset)
            if stop == offset:  # none fits into the window
                end = self._end_of_one(offset)
                if end is None:
                    break
                found.add(offset, window)
                stop = end
            offset = stop
        return offset

    def _end_of_one(self, offset: int) -> int | None:
        """Where the record that begins at an offset ends; None if it is not whole."""
        checksum, length = BEGINNING.unpack(self._bytes(offset, BEGINNING.size))
        end = offset + HEADER.size + int(length)
        if length >= LARGEST or end > self._end:
            return None
        return end if self._checksum(offset + CHECKSUM_BYTES, end) == checksum else None

    def _checksum(self, start: int, end: int) -> int:
        checksum = 0
        for at in range(start, end, _WINDOW):
            checksum = zlib.crc32(self._bytes(at, min(_WINDOW, end - at)), checksum)
        return checksum

    def _require_torn(self, offset: int) -> None:
        """What does not check at an offset is a torn tail, else it is damage.

        Where that cannot be told, it is torn if its header promises more than is there, as of a
        record that was being written.
        """
        follows = True if self.sealed_length is not None else self._record_follows(offset + 1)
        if follows:
            self._damaged(offset, self._mismatch(offset))
        if follows is None and not self._is_cut(offset):
            what = "what stands there is no record, and too much to be searched for others"
            self._damaged(offset, what)

    def _is_cut(self, offset: int) -> bool:
        """Whether the record that begins at an offset would end behind the file."""
        length = BEGINNING.unpack(self._bytes(offset, BEGINNING.size))[1]
        return length < LARGEST and offset + HEADER.size + int(length) > self._end

    def _record_follows(self, start: int) -> bool | None:
        """Whether a whole record stands anywhere from an offset on.

        None if that cannot be told with any sensible effort.
        """
        return self._search(start, _SHORT) or self._search(start, LARGEST)

    def _search(self, start: int, longest: int) -> bool | None:
        """As `_record_follows`, of records up to a length; holes in the file are passed."""
        left, last = _MOST_SEARCHED, self._end - HEADER.size
        first = self._next_data(start)
        while first <= last:
            window = self._bytes(first, min(_WINDOW + HEADER.size, self._end - first))
            left -= len(window)
            for at in candidates(window, self._end - first, longest).tolist():
                left -= _TRIED + BEGINNING.unpack_from(window, at)[1]
                if left < 0:
                    return None
                if self._end_of_one(first + at) is not None:
                    return True
            if left < 0:
                return None
            first = self._next_data(first + len(window) - HEADER.size + 1)
        return False

    def _next_data(self, offset: int) -> int:
        """The first offset from one on, or shortly before, at which the file has no hole."""
        try:
            return max(offset, os.lseek(self._file, offset, os.SEEK_DATA) - HEADER.size)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole
                return self._end
            raise

    def _mismatch(self, offset: int) -> str:
        """In words: what the record at an offset should be and what it is."""
        body, end = offset + HEADER.size, self._end
        if body > end:
            return f"a header needs {HEADER.size} bytes, {end - offset} are there"
        checksum, length = BEGINNING.unpack(self._bytes(offset, BEGINNING.size))
        if body + length > end:
            return f"its header promises {length} bytes, {end - body} are there"
        found = self._checksum(offset + CHECKSUM_BYTES, body + length)
        return f"its checksum is {found:08x}, the header says {checksum:08x}"

    def _bytes(self, offset: int, size: int, *, at_once: int = 0) -> bytes:
        """So many bytes of the file, or more where more are read at once.

        Raises:
            LogDamagedError: They are gone.
        """
        data = os.pread(self._file, max(size, at_once), offset)
        while len(data) < size:  # a disk gives less at once than was asked for, or it was cut
            more = os.pread(self._file, size - len(data), offset + len(data))
            if not more:
                self._shrunk()
            data += more
        return data

    def _shrunk(self) -> NoReturn:
        size = os.fstat(self._file).st_size
        wanted = max(self.length, self.sealed_length or 0)
        raise LogDamagedError(
            f"segment {self.path.name} had {wanted} bytes and has {size}; restore the file from a "
            "copy"
        )

    def _damaged(self, offset: int, what: str) -> NoReturn:
        raise LogDamagedError(
            f"segment {self.path.name} is damaged at byte {offset}: {what}; restore the file from "
            f"a copy, or if the machine lost power while it was written, drop what was not "
            f"committed: truncate -s {offset} {self.path}"
        )
