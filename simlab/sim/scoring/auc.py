"""The area under the ROC curve: how well a rater tells labelled cases apart."""

from collections.abc import Sequence

import numpy as np

from simlab.sim.scoring.agreement import ranks


def auc(values: Sequence[float], labels: Sequence[bool]) -> float | None:
    """Probability that a case that is so is rated higher than one that is not.

    Equal values count half (Hanley & McNeil 1982, by the Mann-Whitney statistic).

    Args:
        values: Of the rater, one for each case.
        labels: Whether each case is so.

    Returns:
        In ``[0, 1]``, 0.5 being chance; None where all cases are of one kind.

    Raises:
        ValueError: There are not as many values as labels.
    """
    if len(values) != len(labels):
        raise ValueError(f"values and labels must be as many, got {len(values)} and {len(labels)}")
    n_so = sum(labels)
    n_not = len(labels) - n_so
    if not n_so or not n_not:
        return None
    of_so = ranks(np.asarray(values, dtype=float))[np.asarray(labels, dtype=bool)].sum()
    return float((of_so - n_so * (n_so + 1) / 2) / (n_so * n_not))
