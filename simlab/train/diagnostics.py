"""Diagnostics: how far training has moved a model."""

from collections.abc import Sequence

import numpy as np


def kl_terms(policy: Sequence[float], base: Sequence[float]) -> list[float]:
    """How far a model is from its base on each token of a sample that it has drawn, in nats.

    ``exp(r) - 1 - r`` with ``r = log base - log policy``, which is never negative and whose mean
    estimates KL(policy, base) without bias (Schulman 2020, "Approximating KL divergence", k3).

    Args:
        policy: The log-probabilities of the targets, by the model that drew them.
        base: The same by the base.
    """
    ratios = np.subtract(base, policy)
    return [float(term) for term in np.expm1(ratios) - ratios]
