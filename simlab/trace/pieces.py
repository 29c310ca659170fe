"""Pieces: lists of integers written as stretches of an earlier list and of what is new.

A prompt of token ids mostly repeats the one before it, with something cut out of its middle where a
memory is bounded, and something new at its end. In pieces it costs what is new. The matching is
that of rsync (Tridgell & Mackerras 1996) with a dictionary of whole blocks in the rolling
checksum's place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

Pieces = list[int | list[int]]
"""Integers as they are, and ``[start, stop]`` for a stretch of the list that is built upon."""

BLOCK = 16
"""Shorter stretches are written anew; a reference to a stretch costs up to 7 bytes."""

_RECENT = 32
"""How many lists a writer keeps to build upon: the seats of an episode, twice over."""


@dataclass(slots=True, eq=False)
class _Kept:
    """A list that others may be built upon."""

    numbers: list[int]
    data: bytes
    _blocks: dict[bytes, int] = field(default_factory=dict)

    def blocks(self) -> dict[bytes, int]:
        """Where each whole block begins, by its bytes."""
        if not self._blocks:
            for start in range(0, len(self.numbers) - BLOCK + 1, BLOCK):
                self._blocks.setdefault(self.data[8 * start : 8 * (start + BLOCK)], start)
        return self._blocks


class PiecesWriter:
    """Writes the lists of one episode, each in pieces of the recent one that is most like it."""

    def __init__(self) -> None:
        self._recent: dict[bytes, _Kept] = {}

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
        return nearest[0], _pieces(nearest[1], _Kept(numbers, data))

    def keep(self, name: bytes, numbers: list[int], data: bytes) -> None:
        """Let later lists be built upon this one, under a name by which it will be found."""
        self._recent.pop(name, None)
        self._recent[name] = _Kept(numbers, data)
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]

    def _nearest(self, data: bytes) -> tuple[bytes, _Kept] | None:
        """The recent list with the longest common beginning of a block or more."""
        found, longest = None, BLOCK - 1
        for name, kept in reversed(self._recent.items()):
            if kept.data.startswith(data[: 8 * (longest + 1)]):
                found, longest = (name, kept), _common(kept.data, data)
        return found if longest >= BLOCK else None


def put_together(base: Sequence[int], pieces: Pieces) -> list[int]:
    """The list that was written in pieces of `base`."""
    numbers: list[int] = []
    for piece in pieces:
        if isinstance(piece, list):
            numbers.extend(base[piece[0] : piece[1]])
        else:
            numbers.append(piece)
    return numbers


def _pieces(base: _Kept, new: _Kept) -> Pieces:
    blocks = base.blocks()
    pieces: Pieces = []
    at = 0
    while at < len(new.numbers):
        start = blocks.get(new.data[8 * at : 8 * (at + BLOCK)])
        if start is None:
            pieces.append(new.numbers[at])
            at += 1
            continue
        stop = start + _common(base.data[8 * start :], new.data[8 * at :])
        at += stop - start
        while start and pieces and pieces[-1] == base.numbers[start - 1]:
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
