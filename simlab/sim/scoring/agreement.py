"""Agreement: how far several judges say the same of the same things."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Ratings = NDArray[np.float64]
"""``(judges, units)``; NaN where a judge gave none."""


def krippendorff_alpha(ratings: Ratings) -> float | None:
    """Krippendorff's alpha for interval data: 1 is full agreement, 0 what chance gives.

    ``alpha = 1 - D_o / D_e``, both mean squared differences of pairs: ``D_o`` of values of one
    unit, each unit weighted by ``1 / (m_u - 1)``, ``D_e`` of all values that can be paired
    (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section E).

    Args:
        ratings: On one scale; units with fewer than two values count nothing.

    Returns:
        At most 1; None where there are no pairs, or where all values are the same, so that nothing
        can be told.

    Raises:
        ValueError: `ratings` is not 2-D.
    """
    _check(ratings)
    units = [column[~np.isnan(column)] for column in ratings.T]
    units = [unit for unit in units if len(unit) > 1]
    if not units:
        return None
    values = np.concatenate(units)
    if np.ptp(values) == 0:  # squares of rounding errors need not be 0
        return None
    expected = _squared_differences(values) / (len(values) * (len(values) - 1))
    within = sum(_squared_differences(unit) / (len(unit) - 1) for unit in units)
    return float(1 - within / len(values) / expected)


def spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Spearman's rank correlation of two judges, over the units that both have rated.

    Equal values share the mean of their ranks (Spearman 1904, as Pearson's of the ranks).

    Args:
        one: ``(units,)``; NaN where there is none.
        other: The same units.

    Returns:
        In ``[-1, 1]``; None where fewer than two units are shared, or a judge gives all the same.
    """
    shared = ~(np.isnan(one) | np.isnan(other))
    if shared.sum() < 2:
        return None
    first, second = ranks(one[shared]), ranks(other[shared])
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def spearman_by_pair(ratings: Ratings) -> dict[tuple[int, int], float | None]:
    """Spearman's correlation of each two judges, by their rows.

    Raises:
        ValueError: `ratings` is not 2-D.
    """
    _check(ratings)
    pairs = combinations(range(len(ratings)), 2)
    return {(one, other): spearman(ratings[one], ratings[other]) for one, other in pairs}


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = (last - (counts - 1) / 2)[place]
    return means


def _squared_differences(values: NDArray[np.float64]) -> float:
    """Sum over all ordered pairs."""
    return float(2 * len(values) * np.sum((values - values.mean()) ** 2))


def _check(ratings: Ratings) -> None:
    if ratings.ndim != 2:
        raise ValueError(f"ratings must be (judges, units), got shape {ratings.shape!r}")
