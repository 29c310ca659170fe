"""Mixes: samples of one's own episodes beside static ones, such as data on safety."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from simlab.errors import ConfigError
from simlab.train.sample import Sample


def n_static(n_own: int, fraction: float) -> int:
    """How many static samples make up a share of all: ``n f / (1 - f)``, an even number.

    They come in pairs of a chosen and a rejected one; half a pair is rounded to the next even
    number.

    Args:
        n_own: Samples of one's own.
        fraction: Of all samples that are static, in ``[0, 1)``.

    Raises:
        ValueError: `fraction` is out of its range.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction must be in [0, 1), got {fraction!r}")
    return 2 * round(n_own * fraction / (1 - fraction) / 2)


def mixed(
    own: Sequence[Sample], static: Sequence[Sample], fraction: float, *, rng: np.random.Generator
) -> tuple[Sample, ...]:
    """Own samples, and behind them as many static ones as make up a share of all.

    Args:
        own: All of them are taken.
        static: In pairs; whole pairs are drawn, none twice.
        fraction: As in `n_static`.
        rng: Draws the pairs.

    Returns:
        The samples; pairs that were drawn have numbers that own pairs do not have.

    Raises:
        ConfigError: There are too few pairs, or a static sample has none.
    """
    pairs = pairs_of(static)
    n_pairs = require_pairs(len(pairs), len(own), fraction)
    chosen = rng.permutation(len(pairs))[:n_pairs]
    first = 1 + max((sample.pair for sample in own if sample.pair is not None), default=-1)
    added = [
        replace(sample, pair=first + number)
        for number, place in enumerate(chosen)
        for sample in pairs[place]
    ]
    return (*own, *added)


def require_pairs(n_pairs: int, n_own: int, fraction: float) -> int:
    """How many static pairs a share of all takes, once it was seen that there are as many.

    Args:
        n_pairs: That there are.
        n_own: Samples of one's own.
        fraction: As in `n_static`.

    Raises:
        ConfigError: There are fewer.
    """
    n_wanted = n_static(n_own, fraction) // 2
    if n_wanted > n_pairs:
        raise ConfigError(
            f"a share of {fraction!r} beside {n_own} samples takes {n_wanted} static pairs, got "
            f"{n_pairs}; give more, or lower the share"
        )
    return n_wanted


def pairs_of(samples: Sequence[Sample]) -> list[tuple[Sample, ...]]:
    """Chosen and rejected samples by their pair, the chosen one first.

    Raises:
        ConfigError: One has no counterpart.
    """
    if any(sample.pair is None for sample in samples):
        raise ConfigError("static samples must come in pairs, got one without a pair; number them")
    ordered = sorted(samples, key=lambda sample: (sample.pair or 0, not sample.label))
    pairs = [tuple(pair) for _, pair in groupby(ordered, key=lambda sample: sample.pair)]
    for pair in pairs:
        check_pair(pair)
    return pairs


def check_pair(pair: Sequence[Sample]) -> None:
    """See that a pair is a chosen sample and a rejected one.

    Raises:
        ConfigError: It is not.
    """
    labels = [sample.label for sample in pair]
    if labels != [True, False]:
        raise ConfigError(
            f"pair {pair[0].pair!r} must be a sample labelled True and one labelled False, got "
            f"{labels!r}; leave it out"
        )
