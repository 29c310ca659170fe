"""Stored contents: where the segments of a run hold what references mean."""

from array import array
from collections.abc import Collection
from pathlib import Path

import msgspec

from simlab.errors import LogDamagedError
from simlab.trace.contents import (
    HASH_BYTES,
    NUMBERS,
    PIECES,
    Content,
    content_hash,
    numbers_hash,
    text_or_bytes,
)
from simlab.trace.pieces import Pieces, put_together
from simlab.trace.segment import Segment

_LISTS_KEPT = 256
"""How many lists of integers are kept, as lists that come later are built upon them."""

_decode_pieces = msgspec.msgpack.Decoder(tuple[bytes | None, list[int | list[int]]]).decode


class StoredContents:
    """Finds contents by their hash; which are there is found out when one is first asked for.

    Args:
        folder: Of the run, to be named in errors.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[bytes, tuple[Segment, int]] = {}
        self._unread: list[tuple[Segment, Collection[int]]] = []
        self._lists: dict[bytes, list[int]] = {}

    def take(self, segment: Segment, offsets: Collection[int]) -> None:
        """Take in the records that hold contents at some offsets of a segment."""
        if offsets:
            self._unread.append((segment, offsets))

    def find(self, code: int, data: memoryview) -> Content:
        """The content that a reference means, from its code and hash.

        Raises:
            LogDamagedError: It is nowhere in the run.
        """
        name = bytes(data)
        if code == NUMBERS:
            return list(self._list(name))
        return text_or_bytes(code, self._stored(name)[1])

    def check(self) -> None:
        """Compare every content with its hash.

        Raises:
            LogDamagedError: One was changed; names segment and offset.
        """
        for name, (segment, offset) in self._placed().items():
            form, data = self._stored(name)
            if form == PIECES:
                found = numbers_hash(array("q", self._list(name)).tobytes())
            else:
                found = content_hash(data)
            if found != name:
                raise LogDamagedError(
                    f"segment {segment.path.name} at byte {offset}: the content hashes to "
                    f"{found.hex()}, it is known as {name.hex()}; restore the file from a copy"
                )

    def _placed(self) -> dict[bytes, tuple[Segment, int]]:
        for segment, offsets in self._unread:
            for offset in offsets:
                name = segment.payload_at(offset, most=HASH_BYTES)
                self._places[name] = (segment, offset)
        self._unread.clear()
        return self._places

    def _stored(self, name: bytes) -> tuple[bytes, bytes]:
        """The form of a content and its data."""
        place = self._placed().get(name)
        if place is None:
            raise LogDamagedError(
                f"content {name.hex()} is referred to in {self._folder} and stored nowhere; "
                "a segment is missing"
            )
        segment, offset = place
        payload = segment.payload_at(offset)
        return payload[HASH_BYTES : HASH_BYTES + 1], payload[HASH_BYTES + 1 :]

    def _list(self, name: bytes) -> list[int]:
        """A list of integers, put together from the lists that it is built upon."""
        chain: dict[bytes, Pieces] = {}
        below: bytes | None = name
        while below is not None and below not in self._lists:
            if below in chain:
                raise LogDamagedError(f"content {below.hex()} in {self._folder} is part of itself")
            above = below
            below, chain[above] = _decode_pieces(self._stored(above)[1])
        numbers = [] if below is None else self._lists[below]
        for built, pieces in reversed(chain.items()):
            numbers = put_together(numbers, pieces)
            self._keep(built, numbers)
        return numbers

    def _keep(self, name: bytes, numbers: list[int]) -> None:
        self._lists[name] = numbers
        if len(self._lists) > _LISTS_KEPT:
            del self._lists[next(iter(self._lists))]
