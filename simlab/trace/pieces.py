"""Pieces: lists of integers written as stretches of an earlier list and of what is new.

A prompt of token ids mostly repeats the one before it, with something cut out of its middle where a
memory is bounded, and something new at its end. In pieces it costs what is new. The matching is
that of rsync (Tridgell & Mackerras 1996) with a dictionary of whole blocks in the rolling
checksum's place.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from simlab.errors import LogDamagedError

Pieces = list[int | list[int]]
"""Integers as they are, and ``[start, stop]`` for a stretch of the list that is built upon."""

BLOCK = 16
"""Shorter stretches are written anew; a reference to a stretch costs up to 7 bytes."""

MOST = 1 << 24
"""No list is longer: pieces of pieces could tell a reader to make any number of integers."""

_RECENT_BYTES = 1 << 20
"""How much a writer keeps to build upon, 8 bytes an integer: 64 seats with prompts of 2,000."""


@dataclass(slots=True, eq=False)
class _Kept:
    """A list that others may be built upon, as 64-bit integers."""

    data: bytes
    _blocks: dict[bytes, int] = field(default_factory=dict)

    def blocks(self) -> dict[bytes, int]:
        """Where each whole block begins, by its bytes."""
        if not self._blocks:
            for start in range(0, len(self.data) // 8 - BLOCK + 1, BLOCK):
                self._blocks.setdefault(self.data[8 * start : 8 * (start + BLOCK)], start)
        return self._blocks

    def number(self, place: int) -> int:
        """The integer at a place."""
        return int.from_bytes(self.data[8 * place : 8 * place + 8], sys.byteorder, signed=True)


class PiecesWriter:
    """Writes the lists of one episode, each in pieces of the recent one that is most like it."""

    def __init__(self) -> None:
        self._recent: dict[bytes, _Kept] = {}
        self._recent_bytes = 0

    def write(self, numbers: list[int], data: bytes) -> tuple[bytes | None, Pieces]:
        """A list in pieces.

        Args:
            numbers: The list.
            data: The same as 64-bit integers, native byte order.

        Returns:
            The name of the list that it is built upon, or None, and the pieces.
        """
        nearest = self._nearest(data)
        if nearest is None:
            return None, [*numbers]
        return nearest[0], _pieces(nearest[1], numbers, data)

    def keep(self, name: bytes, data: bytes) -> None:
        """Let later lists be built upon this one, under a name by which it will be found."""
        self._drop(name)
        self._recent[name] = _Kept(data)
        self._recent_bytes += len(data)
        while self._recent_bytes > _RECENT_BYTES and len(self._recent) > 1:
            self._drop(next(iter(self._recent)))

    def _drop(self, name: bytes) -> None:
        dropped = self._recent.pop(name, None)
        if dropped is not None:
            self._recent_bytes -= len(dropped.data)

    def _nearest(self, data: bytes) -> tuple[bytes, _Kept] | None:
        """The recent list with the longest common beginning of a block or more."""
        found, longest = None, BLOCK - 1
        for name, kept in reversed(self._recent.items()):
            if kept.data.startswith(data[: 8 * (longest + 1)]):
                found, longest = (name, kept), _common(kept.data, data)
        return found if longest >= BLOCK else None


def put_together(base: Sequence[int], pieces: Pieces) -> list[int]:
    """The list that was written in pieces of `base`.

    Raises:
        LogDamagedError: It has more than `MOST` integers.
    """
    numbers: list[int] = []
    for piece in pieces:
        if len(numbers) > MOST:
            raise LogDamagedError(
                f"a list of integers must have at most {MOST}, got more; restore the run from a "
                "copy"
            )
        if isinstance(piece, list):
            numbers.extend(base[piece[0] : piece[1]])
        else:
            numbers.append(piece)
    return numbers


def _pieces(base: _Kept, numbers: list[int], data: bytes) -> Pieces:
    blocks = base.blocks()
    pieces: Pieces = []
    at = 0
    while at < len(numbers):
        start = blocks.get(data[8 * at : 8 * (at + BLOCK)])
        if start is None:
            pieces.append(numbers[at])
            at += 1
            continue
        stop = start + _common(base.data[8 * start :], data[8 * at :])
        at += stop - start
        while start and pieces and pieces[-1] == base.number(start - 1):
            pieces.pop()
            start -= 1
        pieces.append([start, stop])
    return pieces


def _common(left: bytes, right: bytes) -> int:
    """How many integers two lists have in common at their beginnings."""
    n = min(len(left), len(right)) // 8
    differing = np.flatnonzero(
        np.frombuffer(left, np.int64, n) != np.frombuffer(right, np.int64, n)
    )
    return int(differing[0]) if len(differing) else n
