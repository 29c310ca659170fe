"""Means with intervals that know which values belong together."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
_BLOCK = 100
"""Resamples that are drawn at once: all of them would take a gigabyte for 50,000 clusters."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and where it lies with a certain confidence.

    Attributes:
        mean: Of the values.
        low: Lower end; None where there are fewer than two clusters, of which nothing follows.
        high: Upper end.
        n: Values.
        n_clusters: Groups of values that were drawn together.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    n_clusters: int


def mean_interval(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    *,
    seed: int = 0,
    level: float = LEVEL,
    n_resamples: int = RESAMPLES,
) -> Interval | None:
    """The mean of values with a percentile interval from a bootstrap over clusters.

    Whole clusters are drawn with replacement, so that rollouts of one initial state do not count as
    so many independent ones (Davison & Hinkley 1997, section 3.8; Efron 1979 for the percentiles).

    Args:
        values: One or more.
        clusters: To which each value belongs.
        seed: Of the draws.
        level: Confidence, in ``(0, 1)``.
        n_resamples: How often clusters are drawn.

    Returns:
        None where there are no values.

    Raises:
        ValueError: There are not as many clusters as values, or `level` is out of its range.
    """
    if len(values) != len(clusters):
        expected = "values and clusters must be as many"
        raise ValueError(f"{expected}, got {len(values)} and {len(clusters)}")
    _check_level(level)
    if not values:
        return None
    groups: dict[Hashable, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        groups.setdefault(cluster, []).append(value)
    mean, n = float(np.mean(values)), len(groups)
    if n < 2:
        return Interval(mean, None, None, len(values), n)
    means = _resampled([*groups.values()], np.random.default_rng(seed), n_resamples)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high), len(values), n)


def gap_interval(
    ones: Mapping[str, Sequence[float]],
    others: Mapping[str, Sequence[float]],
    *,
    seed: int = 0,
    level: float = LEVEL,
    n_resamples: int = RESAMPLES,
) -> Interval | None:
    """The mean of some values less that of others, with an interval as `mean_interval` gives it.

    The clusters of each are drawn by themselves, as many as there are (Davison & Hinkley 1997,
    section 3.2.1: several samples).

    Args:
        ones: Values by cluster, one or more of each.
        others: The same.
        seed: Of the draws.
        level: Confidence, in ``(0, 1)``.
        n_resamples: How often clusters are drawn.

    Returns:
        None where either has no values; without ends where either has fewer than two clusters.

    Raises:
        ValueError: `level` is out of its range.
    """
    _check_level(level)
    if not (ones and others):
        return None
    flat = [[value for group in groups.values() for value in group] for groups in (ones, others)]
    mean = float(np.mean(flat[0]) - np.mean(flat[1]))
    n, n_clusters = len(flat[0]) + len(flat[1]), len(ones) + len(others)
    if min(len(ones), len(others)) < 2:
        return Interval(mean, None, None, n, n_clusters)
    rng = np.random.default_rng(seed)
    drawn = [_resampled([*groups.values()], rng, n_resamples) for groups in (ones, others)]
    gaps = drawn[0] - drawn[1]
    low, high = np.quantile(gaps, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high), n, n_clusters)


def _resampled(
    groups: Sequence[Sequence[float]], rng: np.random.Generator, n_resamples: int
) -> NDArray[np.float64]:
    """Means over clusters that are drawn with replacement; blocks do not change the draws."""
    sums = np.array([sum(group) for group in groups], dtype=np.float64)
    sizes = np.array([len(group) for group in groups])
    means = []
    for first in range(0, n_resamples, _BLOCK):
        n_rows = min(_BLOCK, n_resamples - first)
        drawn = rng.integers(len(sums), size=(n_rows, len(sums)))
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    return np.concatenate(means)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1), got {level!r}")
