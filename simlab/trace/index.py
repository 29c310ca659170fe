"""The index of a segment: where its records stand and what they are, by their headers."""

import struct
import zlib
from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEADER = struct.Struct("<IIIB")
"""Of a record: checksum, length of the payload in bytes, episode, kind."""

BEGINNING = struct.Struct("<II")
"""Of a header: checksum and length."""

CHECKSUM_BYTES = 4

_LAST_KIND = 31
"""No record is of a kind above; what claims to be is no record."""


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


class Found:
    """Whole records, as they are found one after the other."""

    def __init__(self) -> None:
        self._offsets = array("Q")
        self._episodes = array("I")
        self._kinds = array("B")

    def scan(self, window: bytes, base: int) -> int:
        """Take in the whole records at the beginning of a window; gives where they end.

        The innermost loop of reading, hence the local names.

        Args:
            window: A part of a segment.
            base: Where it begins in the segment; the end is told by the same count.
        """
        view, start, end = memoryview(window), 0, len(window)
        unpack, crc, size = HEADER.unpack_from, zlib.crc32, HEADER.size
        offsets, episodes, kinds = self._offsets, self._episodes, self._kinds
        while start + size <= end:
            checksum, length, episode, kind = unpack(window, start)
            following = start + size + length
            if following > end or crc(view[start + CHECKSUM_BYTES : following]) != checksum:
                break
            offsets.append(base + start)
            episodes.append(episode)
            kinds.append(kind)
            start = following
        return base + start

    def add(self, offset: int, header: bytes) -> None:
        """Take in one record; `header` begins with its own."""
        _, _, episode, kind = HEADER.unpack_from(header)
        self._offsets.append(offset)
        self._episodes.append(episode)
        self._kinds.append(kind)

    def index(self) -> Index:
        """All that were taken in."""
        return Index(
            np.array(self._offsets, dtype=np.uint64),
            np.array(self._episodes, dtype=np.uint32),
            np.array(self._kinds, dtype=np.uint8),
        )


def candidates(window: bytes, room: int, longest: int) -> NDArray[np.intp]:
    """Where in a window records might begin, by what their headers would say.

    Args:
        window: A part of a segment.
        room: Bytes from its beginning to the end of the segment.
        longest: Bytes of a payload, at most.
    """
    raw = np.frombuffer(window, np.uint8)
    kinds = raw[HEADER.size - 1 :]
    at = np.flatnonzero((kinds > 0) & (kinds <= _LAST_KIND))
    lengths = np.zeros(len(at), dtype=np.int64)
    for byte in range(4):
        lengths |= raw[at + CHECKSUM_BYTES + byte].astype(np.int64) << (8 * byte)
    return at[(lengths <= longest) & (at + HEADER.size + lengths <= room)]
