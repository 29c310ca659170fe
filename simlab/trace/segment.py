"""Segments: append-only files of records, each checked on its own.

A segment begins with `MAGIC` and goes on with records: a header of 13 bytes (checksum, length of
the payload, episode, kind; little-endian) and the payload. The checksum is CRC-32 over all of the
record that follows it. One host writes one segment in one epoch, and nobody changes it afterwards.

A file that was cut ends in a torn tail: fewer bytes than its last header promises. Whatever else
does not check is damage, told from a torn tail by a whole record that stands somewhere behind it.
"""

import mmap
import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from simlab.errors import LogDamagedError

MAGIC = b"SimLab\x00\x01"
"""What a segment begins with; the last byte is the version of the format."""

HEADER = struct.Struct("<IIIB")
"""Checksum, length of the payload in bytes, episode, kind."""

_CHECKSUM_BYTES = 4
_CHECKED_HEADER = struct.Struct("<IIB")
_BEGINNING = struct.Struct("<II")

RUN = 0xFFFF_FFFF
"""The episode of a record that belongs to none."""

LARGEST = 1 << 30
"""No payload has as many bytes."""

_LAST_KIND = 31
"""No record is of a kind above; what claims to be is no record."""

_WINDOW = 1 << 20
"""Bytes in which a whole record is searched at once."""


def pack(kind: int, episode: int, payload: bytes) -> bytes:
    """The bytes of one record.

    Raises:
        ValueError: The payload has `LARGEST` bytes or more.
    """
    if len(payload) >= LARGEST:
        raise ValueError(f"a record takes less than {LARGEST} bytes, got {len(payload)}")
    checked = _CHECKED_HEADER.pack(len(payload), episode, kind) + payload
    return zlib.crc32(checked).to_bytes(_CHECKSUM_BYTES, "little") + checked


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in a segment; `payload` is a view into the file."""

    offset: int
    episode: int
    kind: int
    payload: memoryview


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Where the records of a stretch of a segment stand, and what they are; parallel arrays.

    Attributes:
        offsets: Bytes from the beginning of the segment.
        episodes: The episode of each, or `RUN`.
        kinds: The kind of each.
    """

    offsets: NDArray[np.uint64]
    episodes: NDArray[np.uint32]
    kinds: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.offsets)

    def of(self, which: NDArray[np.intp]) -> "Index":
        """Some of the records, in the order of `which`."""
        return Index(self.offsets[which], self.episodes[which], self.kinds[which])


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
        self._view = memoryview(b"")
        self._end = 0
        self.index = self.read_on()
        """Of the records that were there when the segment was opened."""

    @property
    def torn_bytes(self) -> int:
        """Bytes behind the last whole record, dropped on reading."""
        return self._end - self.length

    def read_on(self) -> Index:
        """Read what was appended since the last time; only new bytes are checked.

        Returns:
            The records that are new.

        Raises:
            LogDamagedError: As on opening, or bytes that were there are gone.
        """
        self._see()
        start = self.length
        if not start:
            if not self._begins():
                return self._indexed(array("Q"))
            start = len(MAGIC)
        offsets, self.length = _scan(self._view, start, self._end)
        if self.length < self._end:
            self._require_torn(self.length)
        return self._indexed(offsets)

    def records(self) -> Iterator[Record]:
        """All records, in order."""
        offset = len(MAGIC)
        while offset < self.length:
            _, length, episode, kind = HEADER.unpack_from(self._view, offset)
            payload = self.payload_at(offset)
            yield Record(offset, episode, kind, payload)
            offset += HEADER.size + length

    def payload_at(self, offset: int) -> memoryview:
        """The payload of the record that begins at an offset."""
        body = offset + HEADER.size
        return self._view[body : body + _BEGINNING.unpack_from(self._view, offset)[1]]

    def _see(self) -> None:
        """Take in how long the file is by now."""
        size = self.path.stat().st_size
        end = size if self.sealed_length is None else self.sealed_length
        if end > size or size < self.length:
            raise LogDamagedError(
                f"segment {self.path.name} had {max(end, self.length)} bytes and has {size}; "
                "restore the file from a copy"
            )
        if size > len(self._view):
            self._view = _map(self.path, size)
        self._end = end

    def _begins(self) -> bool:
        """Whether `MAGIC` is there; a segment that has not even that yet holds nothing."""
        there = bytes(self._view[: min(len(MAGIC), self._end)])
        if there == MAGIC:
            return True
        torn = MAGIC.startswith(there.rstrip(b"\x00")) and not self.sealed_length
        if not torn or _record_follows(self._view, 0, self._end):
            self._damaged(0, f"it begins with {there!r}, a segment of this version with {MAGIC!r}")
        return False

    def _indexed(self, offsets: "array[int]") -> Index:
        """The index of records, gathered from their headers."""
        at = np.array(offsets, dtype=np.uint64)
        raw = np.frombuffer(self._view, np.uint8)
        return Index(at, _gathered(raw, at + np.uint64(8)), raw[at + np.uint64(12)])

    def _require_torn(self, offset: int) -> None:
        """What does not check at an offset is a torn tail, else it is damage."""
        if self.sealed_length is not None or _record_follows(self._view, offset + 1, self._end):
            self._damaged(offset, _mismatch(self._view, offset, self._end))

    def _damaged(self, offset: int, what: str) -> NoReturn:
        raise LogDamagedError(
            f"segment {self.path.name} is damaged at byte {offset}: {what}; restore the file from "
            f"a copy, or if the machine lost power while it was written, drop what was not "
            f"committed: truncate -s {offset} {self.path}"
        )


def _scan(view: memoryview, offset: int, end: int) -> "tuple[array[int], int]":
    """The offsets of whole records from one offset on, and where the last of them ends.

    The innermost loop of reading, hence the local names.
    """
    offsets = array("Q")
    unpack, crc, size = _BEGINNING.unpack_from, zlib.crc32, HEADER.size
    while offset + size <= end:
        checksum, length = unpack(view, offset)
        following = offset + size + length
        if following > end or crc(view[offset + _CHECKSUM_BYTES : following]) != checksum:
            break
        offsets.append(offset)
        offset = following
    return offsets, offset


def _gathered(raw: NDArray[np.uint8], at: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The little-endian 32-bit numbers that stand at some offsets."""
    number = raw[at].astype(np.uint32)
    for byte in range(1, 4):
        number |= raw[at + np.uint64(byte)].astype(np.uint32) << np.uint32(8 * byte)
    return number


def _record_follows(view: memoryview, start: int, end: int) -> bool:
    """Whether a whole record stands anywhere in a part of a file."""
    raw = np.frombuffer(view, np.uint8)
    for first in range(start, end - HEADER.size + 1, _WINDOW):
        at = np.arange(first, min(first + _WINDOW, end - HEADER.size + 1), dtype=np.uint64)
        kinds = raw[at + np.uint64(12)]
        at = at[(kinds > 0) & (kinds <= _LAST_KIND)]
        room = np.uint64(end - HEADER.size) - at
        at = at[_gathered(raw, at + np.uint64(_CHECKSUM_BYTES)) <= room]
        if any(len(_scan(view, int(offset), end)[0]) for offset in at):
            return True
    return False


def _mismatch(view: memoryview, offset: int, end: int) -> str:
    """In words: what the record at an offset should be and what it is."""
    body = offset + HEADER.size
    if body > end:
        return f"a header needs {HEADER.size} bytes, {end - offset} are there"
    checksum, length = _BEGINNING.unpack_from(view, offset)
    if body + length > end:
        return f"its header promises {length} bytes, {end - body} are there"
    found = zlib.crc32(view[offset + _CHECKSUM_BYTES : body + length])
    return f"its checksum is {found:08x}, the header says {checksum:08x}"


def _map(path: Path, size: int) -> memoryview:
    """The first bytes of a file, read when they are touched."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
