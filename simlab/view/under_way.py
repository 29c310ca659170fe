"""What is under way at each time, such as calls: how many at once, on average over a stretch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

MOST_BINS: Final = 100_000
"""In which something begins or ends; where there are more, each becomes twice as wide."""


@dataclass(slots=True)
class UnderWay:
    """Spans of time, each counted in all the bins that it covers, not in that alone where it ends.

    Kept are how many go on from one bin to the next, as changes, and what of the bins at both ends
    is covered, so that a span costs as much whatever its length.

    Attributes:
        bin_s: How wide bins are: a second, doubled as often as there were too many of them.
    """

    bin_s: int = 1
    _changes: dict[int, int] = field(default_factory=dict)
    _parts: dict[int, float] = field(default_factory=dict)

    def add(self, begin_s: float, end_s: float) -> None:
        """Count a span from a time to a later one."""
        first, last = int(begin_s // self.bin_s), int(end_s // self.bin_s)
        if first == last:
            self._part(first, end_s - begin_s)
        else:
            self._part(first, (first + 1) * self.bin_s - begin_s)
            self._part(last, end_s - last * self.bin_s)
            self._change(first + 1, 1)
            self._change(last, -1)
        while len(self._parts) > MOST_BINS:
            self._widen()

    @property
    def first_s(self) -> int | None:
        """When the bin begins in which the first begins."""
        return min(self._parts) * self.bin_s if self._parts else None

    def means(self, first_s: int, width_s: int, n: int) -> Sequence[float]:
        """How many were under way, on average over each of some stretches of equal length.

        Args:
            first_s: When the first begins: a multiple of `bin_s`.
            width_s: How long each is: another.
            n: How many there are.
        """
        sums = [0.0] * n
        for at, part in self._parts.items():
            if 0 <= (stretch := (at * self.bin_s - first_s) // width_s) < n:
                sums[stretch] += part
        going = 0
        for at, until in pairwise(sorted(self._changes)):
            going += self._changes[at]
            begin, end = ((each * self.bin_s - first_s) / width_s for each in (at, until))
            _spread(sums, going, begin, end, width_s)
        return [each / width_s for each in sums]

    def _widen(self) -> None:
        """Make one bin of each two; who goes on from the first to the second covers half of it."""
        parts, changes = self._parts, self._changes
        self._parts, self._changes = {}, {}
        for at, part in parts.items():
            self._part(at // 2, part)
        for at, change in changes.items():
            self._change((at + 1) // 2, change)
            if at % 2:
                self._part(at // 2, change * self.bin_s)
        self.bin_s *= 2

    def _part(self, at: int, part: float) -> None:
        self._parts[at] = self._parts.get(at, 0.0) + part

    def _change(self, at: int, change: int) -> None:
        self._changes[at] = self._changes.get(at, 0) + change


def _spread(sums: list[float], going: int, begin: float, end: float, width_s: int) -> None:
    """Add so many that go on from one place among the stretches to another."""
    begin, end = max(0.0, begin), min(float(len(sums)), end)
    at = int(begin)
    while going and begin < end:
        stop = min(end, at + 1.0)
        sums[at] += going * (stop - begin) * width_s
        begin, at = stop, at + 1
