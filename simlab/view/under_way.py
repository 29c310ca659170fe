"""What is under way at each time, such as calls: how many at once, on average over a stretch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

_WIDEST: Final = 200_000
"""Seconds in which something begins or ends; of more than that, all others are left out."""


@dataclass(slots=True)
class UnderWay:
    """Spans of time, each counted in the seconds that it covers, and not where it has ended alone.

    Kept are how many go on from one second to the next, as changes, and the parts of seconds at
    both ends, so that a span costs as much whatever its length.
    """

    _changes: dict[int, int] = field(default_factory=dict)
    _parts: dict[int, float] = field(default_factory=dict)

    def add(self, begin_s: float, end_s: float) -> None:
        """Count a span from a time to a later one."""
        first, last = int(begin_s), int(end_s)
        if len(self._parts) >= _WIDEST and not {first, last} <= self._parts.keys():
            return
        if first == last:
            self._part(first, end_s - begin_s)
            return
        self._part(first, first + 1 - begin_s)
        self._part(last, end_s - last)
        self._changes[first + 1] = self._changes.get(first + 1, 0) + 1
        self._changes[last] = self._changes.get(last, 0) - 1

    @property
    def first_s(self) -> int | None:
        """The second in which the first begins."""
        return min(self._parts, default=None)

    def means(self, first_s: int, width_s: int, n: int) -> Sequence[float]:
        """How many were under way, on average over each of some stretches of equal length."""
        sums = [0.0] * n
        for second, part in self._parts.items():
            if 0 <= (at := (second - first_s) // width_s) < n:
                sums[at] += part
        going = 0
        seconds = sorted(self._changes)
        for second, until in pairwise(seconds):
            going += self._changes[second]
            _spread(sums, going, (second - first_s) / width_s, (until - first_s) / width_s, width_s)
        return [each / width_s for each in sums]

    def _part(self, second: int, part: float) -> None:
        self._parts[second] = self._parts.get(second, 0.0) + part


def _spread(sums: list[float], going: int, begin: float, end: float, width_s: int) -> None:
    """Add so many that go on from one place among the stretches to another."""
    begin, end = max(0.0, begin), min(float(len(sums)), end)
    at = int(begin)
    while going and begin < end:
        stop = min(end, at + 1.0)
        sums[at] += going * (stop - begin) * width_s
        begin, at = stop, at + 1
