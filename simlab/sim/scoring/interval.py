"""Means with intervals that know which values belong together."""

from collections.abc import Hashable, Sequence
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
    if not 0 < level < 1:
        raise ValueError(f"level must be in (0, 1), got {level!r}")
    if not values:
        return None
    groups: dict[Hashable, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        groups.setdefault(cluster, []).append(value)
    mean, n = float(np.mean(values)), len(groups)
    if n < 2:
        return Interval(mean, None, None, len(values), n)
    sums = np.array([sum(group) for group in groups.values()])
    sizes = np.array([len(group) for group in groups.values()])
    means = _resampled(sums, sizes, np.random.default_rng(seed), n_resamples)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high), len(values), n)


def _resampled(
    sums: NDArray[np.float64],
    sizes: NDArray[np.int64],
    rng: np.random.Generator,
    n_resamples: int,
) -> NDArray[np.float64]:
    """Means over clusters that are drawn with replacement; blocks do not change the draws."""
    means = []
    for first in range(0, n_resamples, _BLOCK):
        n_rows = min(_BLOCK, n_resamples - first)
        drawn = rng.integers(len(sums), size=(n_rows, len(sums)))
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    return np.concatenate(means)
