"""Diagnostics: how far training has moved a model, how much it says, and how often it refuses."""

from collections.abc import Iterable, Sequence

import numpy as np

from simlab.agents.refusal_rule import is_refusal


def kl_estimate_to_base(
    policy: Iterable[Sequence[float]], base: Iterable[Sequence[float]]
) -> float:
    """How far a model is from its base on what it has drawn itself, in nats per token.

    The mean of ``exp(r) - 1 - r`` with ``r = log base - log policy``, which is never negative and
    estimates KL(policy, base) without bias (Schulman 2020, "Approximating KL divergence", k3).

    Args:
        policy: Of each sample the log-probabilities of its targets, by the model that drew them.
        base: The same by the base.

    Raises:
        ValueError: There is no token.
    """
    pairs = zip(policy, base, strict=True)
    ratios = [np.subtract(by_base, by_policy) for by_policy, by_base in pairs]
    whole = np.concatenate(ratios) if ratios else np.empty(0)
    if not whole.size:
        raise ValueError("a divergence needs at least one token, got none")
    return float(np.mean(np.expm1(whole) - whole))


def refusal_rate(replies: Sequence[str]) -> float:
    """Share of replies that decline what they were asked for, in ``[0, 1]``.

    Raises:
        ValueError: There is no reply.
    """
    if not replies:
        raise ValueError("a rate needs at least one reply, got none")
    return sum(map(is_refusal, replies)) / len(replies)


def mean_length(replies: Sequence[str]) -> float:
    """Mean length of replies, in characters.

    Raises:
        ValueError: There is no reply.
    """
    if not replies:
        raise ValueError("a mean needs at least one reply, got none")
    return float(np.mean([len(reply) for reply in replies]))
