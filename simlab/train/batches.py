"""Batches: in which order samples are learnt from, and which are computed at once.

Nothing here knows of tensors: samples are named by their places in the dataset.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from simlab.errors import ConfigError
from simlab.train.mix import check_pair
from simlab.train.options import LossName
from simlab.train.sample import Sample

Unit = tuple[int, ...]
"""Places of samples that are learnt from together: one, or the chosen and the rejected of a
pair."""


def units_for(loss: LossName, samples: Sequence[Sample]) -> list[Unit]:
    """What is learnt from together: each sample by itself, or in pairs for DPO.

    Args:
        loss: By which is learnt.
        samples: Of the dataset.

    Raises:
        ConfigError: The samples are not such as the loss learns from.
    """
    if loss == "dpo":
        return _pairs(samples)
    if loss == "sft":
        _require_labels(samples, (None, True), "SFT learns by heart what is not labelled False")
    if loss == "kto":
        _require_labels(samples, (True, False), "KTO learns from samples labelled True or False")
        if len(samples) < 2:
            raise ConfigError(
                "KTO puts replies behind other prompts, for which it needs 2 samples, got 1; "
                "select more episodes"
            )
    return [(place,) for place in range(len(samples))]


def partners(places: Sequence[int], n_samples: int) -> list[tuple[int, int]]:
    """For each sample of a step the one whose replies stand behind its prompt in KTO's anchor.

    Args:
        places: Of the step.
        n_samples: In the dataset, from which a step of one sample takes the next.
    """
    if len(places) == 1:
        return [(places[0], (places[0] + 1) % n_samples)]
    return list(zip(places, [places[-1], *places[:-1]], strict=True))


def steps(
    units: Sequence[Unit], *, batch_size: int, epochs: int, rng: np.random.Generator
) -> Iterator[list[Unit]]:
    """What each step learns from: every epoch has all units, in an order of its own.

    Args:
        units: Are shuffled.
        batch_size: Units of a step; the last of an epoch may have fewer.
        epochs: How often each unit is learnt from.
        rng: Shuffles.
    """
    for _ in range(epochs):
        order = rng.permutation(len(units))
        for first in range(0, len(units), batch_size):
            yield [units[place] for place in order[first : first + batch_size]]


def micro_batches(
    units: Sequence[Unit], lengths: Sequence[int], max_tokens: int
) -> list[list[int]]:
    """Places that are computed at once, so that little of it is padding.

    Units of like length go together, the longest first, as many as come to `max_tokens` when all
    are padded to the longest; a unit that is longer by itself goes alone.

    Args:
        units: Of a step.
        lengths: Of all samples, in tokens.
        max_tokens: Of a micro-batch, padding included.

    Returns:
        Places in the dataset; units stay whole, and in their order within a micro-batch.
    """

    def longest(unit: Unit) -> int:
        return max(lengths[place] for place in unit)

    batches: list[list[int]] = []
    room = 0
    for unit in sorted(units, key=longest, reverse=True):
        if not batches or len(unit) > room:
            batches.append([])
            room = max_tokens // longest(unit)
        batches[-1] += unit
        room -= len(unit)
    return batches


def mismatched(prompt: Sample, reply: Sample) -> Sample:
    """The prompt of one sample with the replies to another, as KTO estimates its anchor.

    Args:
        prompt: Of which all before the first target is taken.
        reply: Of which all from the first target on is taken, with its targets.
    """
    begun, rest = prompt.start, reply.start
    ids = prompt.ids[:begun] + reply.ids[rest:]
    mask = prompt.mask[:begun] + reply.mask[rest:]
    return Sample(ids, mask, (float("nan"),) * len(ids))


def _require_labels(samples: Sequence[Sample], labels: tuple[bool | None, ...], rule: str) -> None:
    if others := [sample for sample in samples if sample.label not in labels]:
        raise ConfigError(
            f"{rule}, got the label {others[0].label!r} for {others[0].where()}; leave it out"
        )


def _pairs(samples: Sequence[Sample]) -> list[Unit]:
    """Pairs of samples, the chosen one first, in the order of their numbers.

    Raises:
        ConfigError: A sample is not one of a pair.
    """
    if lone := [sample for sample in samples if sample.pair is None]:
        raise ConfigError(
            f"DPO learns from pairs, and {lone[0].where()} is in none; give it a pair, or leave it "
            "out"
        )
    ordered = sorted(
        range(len(samples)), key=lambda place: (samples[place].pair, not samples[place].label)
    )
    units = [tuple(pair) for _, pair in groupby(ordered, key=lambda place: samples[place].pair)]
    for unit in units:
        check_pair([samples[place] for place in unit])
    return units
