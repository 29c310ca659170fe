"""Selection: which episodes are learnt from, by how they were rated.

Plain functions of rated episodes. What is rated equally is taken in the order in which it stands,
so that the same ratings always select the same.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["subenv", "env", "envclass"]
"""What is compared with each other: the episodes of one initial state, of one environment, or of
all environments of one class."""


@dataclass(frozen=True, slots=True)
class Rated:
    """An episode and what it was rated.

    Attributes:
        episode: Its number.
        rating: In the rater's units; None where it is missing, which is never selected.
        subenv: The initial state that it began in.
        env: The environment of that state.
        envclass: The class of that environment.
    """

    episode: int
    rating: float | None
    subenv: str = ""
    env: str = ""
    envclass: str = ""

    def group(self, level: Level) -> tuple[str, ...]:
        """What it is compared within."""
        path = (self.envclass, self.env, self.subenv)
        return path[: {"envclass": 1, "env": 2, "subenv": 3}[level]]


@dataclass(frozen=True, slots=True)
class Selection:
    """What was selected; nothing is in both.

    Attributes:
        positive: The best rated, group after group, the best of each first.
        negative: The worst rated, group after group, the worst of each first.
    """

    positive: tuple[Rated, ...] = ()
    negative: tuple[Rated, ...] = ()


Keep = Callable[[Rated], bool]
"""Whether an episode may be learnt from, such as one that no detector vetoes."""


def _keep_all(_: Rated) -> bool:
    return True


def best_of(
    rated: Iterable[Rated], n: int, *, level: Level = "subenv", keep: Keep = _keep_all
) -> tuple[Rated, ...]:
    """The `n` best of each group, fewer where a group is smaller (best-of-n).

    Args:
        rated: All episodes.
        n: How many of each group; at least 1.
        level: What makes a group.
        keep: Others are left out before.

    Raises:
        ValueError: `n` is under 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n!r}")
    kept = filter(keep, rated)
    return tuple(one for group in _groups(kept, level) for one in _ranked(group)[:n])


def top_and_bottom(
    rated: Iterable[Rated],
    fraction: float,
    *,
    level: Level = "env",
    keep: Keep = _keep_all,
    vetoed_may_be_negative: bool = False,
) -> Selection:
    """The best and the worst ``ceil(size * fraction)`` of each group.

    Where a group is too small for both, each gets half of it: of a group of one it is neither.

    Args:
        rated: All episodes.
        fraction: In ``(0, 1]``, of a group as it is after the veto.
        level: What makes a group.
        keep: Others are vetoed.
        vetoed_may_be_negative: True: what is vetoed may be among the worst.

    Raises:
        ValueError: `fraction` is out of its range.
    """
    _check_fraction(fraction)
    positive: list[Rated] = []
    negative: list[Rated] = []
    for group in _groups(rated, level):
        kept = _ranked(filter(keep, group))
        pool = _ranked(group) if vetoed_may_be_negative else kept
        n_best = min(_count(kept, fraction), len(pool) // 2)
        best = kept[:n_best]
        taken = set(best)
        worst = [one for one in reversed(pool) if one not in taken]
        positive += best
        negative += worst[: min(_count(pool, fraction), len(pool) // 2)]
    return Selection(tuple(positive), tuple(negative))


def top(
    rated: Iterable[Rated], fraction: float, *, level: Level = "env", keep: Keep = _keep_all
) -> tuple[Rated, ...]:
    """The best ``ceil(size * fraction)`` of each group, for those who learn from winners alone.

    Args:
        rated: All episodes.
        fraction: In ``(0, 1]``, of a group as it is after the veto.
        level: What makes a group.
        keep: Others are vetoed.

    Raises:
        ValueError: `fraction` is out of its range.
    """
    _check_fraction(fraction)
    groups = _groups(filter(keep, rated), level)
    return tuple(one for group in groups for one in _ranked(group)[: _count(group, fraction)])


def preference_pairs(
    rated: Iterable[Rated], n: int = 1, *, margin: float = 0.0, keep: Keep = _keep_all
) -> tuple[tuple[Rated, Rated], ...]:
    """Pairs of a better and a worse episode of one initial state, for DPO.

    The best goes with the worst, the second best with the second worst, and so on; no episode is in
    two pairs.

    Args:
        rated: All episodes.
        n: At most so many pairs of each state.
        margin: The better must be rated more than this above the worse, in rating units.
        keep: Whether an episode may be the better one; the worse one may be any.
    """
    pairs = []
    for group in _groups(rated, "subenv"):
        free = _ranked(group)
        for better in _ranked(filter(keep, group))[:n]:
            worse = next((one for one in reversed(free) if _is_above(better, one, margin)), None)
            if better in free and worse is not None:
                pairs.append((better, worse))
                free = [one for one in free if one not in (better, worse)]
    return tuple(pairs)


def _is_above(better: Rated, worse: Rated, margin: float) -> bool:
    assert better.rating is not None, "what is ranked has a rating"
    assert worse.rating is not None, "what is ranked has a rating"
    return better.rating - worse.rating > margin


def _groups(rated: Iterable[Rated], level: Level) -> list[list[Rated]]:
    """Episodes by what they are compared within, in the order in which the groups come up."""
    groups: dict[tuple[str, ...], list[Rated]] = {}
    for one in rated:
        groups.setdefault(one.group(level), []).append(one)
    return list(groups.values())


def _ranked(group: Iterable[Rated]) -> list[Rated]:
    """The best first; those without a rating are left out."""
    known = [one for one in group if one.rating is not None]
    return sorted(known, key=lambda one: -(one.rating or 0.0))


def _count(group: Sequence[Rated], fraction: float) -> int:
    """``ceil(size * fraction)`` of what has a rating, whatever floats make of 1/3 of 3."""
    size = sum(one.rating is not None for one in group)
    return math.ceil(round(size * fraction, 9))


def _check_fraction(fraction: float) -> None:
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must be in (0, 1], got {fraction!r}")
