"""Segments: append-only files of records, each checked on its own.

A segment begins with `MAGIC` and goes on with records: a header of 13 bytes (length of the payload,
checksum, episode, kind; little-endian) and the payload. The checksum is CRC-32 over the rest of the
header and the payload. One host writes one segment in one epoch, and nobody changes it afterwards.

A file that was cut ends in a torn tail: fewer bytes than its last header promises. Whatever else
does not check is damage, told from a torn tail by a whole record that stands somewhere behind it.
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simlab.errors import LogDamagedError

MAGIC = b"SimLab\x00\x01"
"""What a segment begins with; the last byte is the version of the format."""

HEADER = struct.Struct("<IIIB")
"""Length of the payload in bytes, checksum, episode, kind."""

_TAIL = struct.Struct("<IIB")
"""What of the header the checksum covers: length, episode, kind."""

RUN = 0xFFFF_FFFF
"""The episode of a record that belongs to none."""

LARGEST = 1 << 30
"""No payload has as many bytes."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in a segment; `payload` is a view into the file."""

    offset: int
    episode: int
    kind: int
    payload: memoryview


def pack(kind: int, episode: int, payload: bytes) -> bytes:
    """The bytes of one record."""
    checksum = zlib.crc32(payload, zlib.crc32(_TAIL.pack(len(payload), episode, kind)))
    return HEADER.pack(len(payload), checksum, episode, kind) + payload


class Segment:
    """A segment opened for reading, up to its last whole record.

    Opening never fails because of a torn tail and never changes the file.

    Args:
        path: The file.
        length: How many bytes count, where the segment was sealed; what is behind is not looked at.

    Raises:
        LogDamagedError: A record before the tail, or any record of a sealed segment, does not
            check; names segment, offset and checksums.
    """

    def __init__(self, path: Path, *, length: int | None = None) -> None:
        self.path = path
        self.sealed = length is not None
        self._view = _map(path)
        self._end = len(self._view) if length is None else length
        if self._end > len(self._view):
            raise LogDamagedError(
                f"segment {path.name} was sealed at {length} bytes and has {len(self._view)}; "
                "bytes are missing at its end"
            )
        self.length = self._valid_length()
        """Bytes up to the end of the last whole record."""

    @property
    def torn_bytes(self) -> int:
        """Bytes behind the last whole record, dropped on reading."""
        return self._end - self.length

    def records(self, start: int = 0) -> Iterator[Record]:
        """The records from an offset on, in order.

        Args:
            start: 0, or an offset at which a record begins.
        """
        view, unpack, size = self._view, HEADER.unpack_from, HEADER.size
        offset = start or len(MAGIC)
        while offset < self.length:
            length, _, episode, kind = unpack(view, offset)
            body = offset + size
            yield Record(offset, episode, kind, view[body : body + length])
            offset = body + length

    def payload_at(self, offset: int) -> memoryview:
        """The payload of the record that begins at an offset."""
        length, _, _, _ = HEADER.unpack_from(self._view, offset)
        body = offset + HEADER.size
        return self._view[body : body + length]

    def _valid_length(self) -> int:
        if self._end < len(MAGIC):
            return self._begun()
        if self._view[: len(MAGIC)] != MAGIC:
            self._damaged(0, "it does not begin as a segment of this version does")
        offset = len(MAGIC)
        while offset < self._end:
            following = check(self._view, offset, self._end)
            if following is None:
                self._require_torn(offset)
                return offset
            offset = following
        return offset

    def _begun(self) -> int:
        """A segment that has not even its `MAGIC` yet holds nothing."""
        if (self.sealed and self._end) or self._view[: self._end] != MAGIC[: self._end]:
            self._damaged(0, "it does not begin as a segment does")
        return 0

    def _require_torn(self, offset: int) -> None:
        """What does not check at an offset is a torn tail, else it is damage."""
        if self.sealed or _record_follows(self._view, offset + 1, self._end):
            self._damaged(offset, _mismatch(self._view, offset, self._end))

    def _damaged(self, offset: int, what: str) -> None:
        raise LogDamagedError(
            f"segment {self.path.name} is damaged at byte {offset}: {what}; "
            "restore the file from a copy"
        )


def check(view: memoryview, offset: int, end: int) -> int | None:
    """Where the record at an offset ends, or None if no whole record stands there."""
    body = offset + HEADER.size
    if body > end:
        return None
    length, checksum, episode, kind = HEADER.unpack_from(view, offset)
    following: int = body + length
    if following > end or length > LARGEST:
        return None
    seed = zlib.crc32(_TAIL.pack(length, episode, kind))
    return following if zlib.crc32(view[body:following], seed) == checksum else None


def _record_follows(view: memoryview, start: int, end: int) -> bool:
    """Whether a whole record stands anywhere in a part of a file."""
    return any(check(view, offset, end) is not None for offset in range(start, end - HEADER.size))


def _mismatch(view: memoryview, offset: int, end: int) -> str:
    """In words: what the record at an offset should be and what it is."""
    body = offset + HEADER.size
    if body > end:
        return f"a header needs {HEADER.size} bytes, {end - offset} are there"
    length, checksum, episode, kind = HEADER.unpack_from(view, offset)
    if body + length > end:
        return f"its header promises {length} bytes, {end - body} are there"
    found = zlib.crc32(view[body : body + length], zlib.crc32(_TAIL.pack(length, episode, kind)))
    return f"its checksum is {found:08x}, the header says {checksum:08x}"


def _map(path: Path) -> memoryview:
    """The bytes of a file, read when they are touched."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
