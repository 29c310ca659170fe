"""In which order samples are learnt from, and which are computed at once."""

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.errors import ConfigError
from simlab.train.batches import micro_batches, mismatched, partners, steps, units_for
from tests.train.conftest import labelled, sample_of


def test_every_epoch_has_all_units_in_an_order_of_its_own():
    units = [(place,) for place in range(10)]

    course = [*steps(units, batch_size=4, epochs=2, rng=np.random.default_rng(0))]

    first, second = [*chain(*course[:3])], [*chain(*course[3:])]
    assert [len(step) for step in course] == [4, 4, 2, 4, 4, 2]
    assert sorted(first) == sorted(second) == units
    assert first != second


@given(st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=2), max_size=12))
def test_micro_batches_hold_all_units_whole_and_no_more_tokens_than_fit(shape):
    lengths = [length for unit in shape for length in unit]
    places = iter(range(len(lengths)))
    units = [tuple(next(places) for _ in unit) for unit in shape]

    batches = micro_batches(units, lengths, 100)

    assert sorted(place for batch in batches for place in batch) == [*range(len(lengths))]
    for batch in batches:
        padded = len(batch) * max(lengths[place] for place in batch)
        assert padded <= 100
        assert all(
            tuple(unit) in pairwise(batch) for unit in units if len(unit) == 2 and unit[0] in batch
        )


def test_a_sample_that_is_longer_than_fits_goes_alone():
    assert micro_batches([(0,), (1,), (2,)], [5, 300, 5], 100) == [[1], [0, 2]]


def test_like_lengths_go_together():
    assert micro_batches([(0,), (1,), (2,), (3,)], [10, 50, 10, 50], 100) == [[1, 3], [0, 2]]


def test_kto_puts_the_replies_of_one_sample_behind_the_prompt_of_another():
    told, other = sample_of(6, first=1, n_targets=2), sample_of(8, first=100, n_targets=3)

    pair = mismatched(told, other)

    assert pair.ids == told.ids[:4] + other.ids[5:]
    assert pair.mask == (False,) * 4 + (True,) * 3


def test_no_sample_of_a_step_is_its_own_partner():
    assert partners([4, 2, 7], 9) == [(4, 7), (2, 4), (7, 2)]
    assert partners([8], 9) == [(8, 0)]


def test_pairs_are_learnt_from_together_the_chosen_one_first():
    samples = [
        sample_of(label=False, pair=1),
        sample_of(label=True, pair=0),
        sample_of(label=True, pair=1),
        sample_of(label=False, pair=0),
    ]

    assert units_for("dpo", samples) == [(1, 3), (2, 0)]


@pytest.mark.parametrize(
    ("loss", "samples", "named"),
    [
        ("sft", [sample_of(label=False)], "not labelled False, got the label False for the sample"),
        ("kto", [sample_of(label=True), sample_of()], "got the label None"),
        ("kto", [sample_of(label=True)], "it needs 2 samples, got 1"),
        ("dpo", [sample_of(label=True)], "is in none; give it a pair"),
        ("dpo", [sample_of(label=True, pair=3)] * 2, r"pair 3 must be .* got \[True, True\]"),
    ],
)
def test_samples_that_a_loss_cannot_learn_from_are_refused(loss, samples, named):
    with pytest.raises(ConfigError, match=named):
        units_for(loss, samples)


def test_each_sample_is_learnt_from_by_itself_without_pairs():
    assert units_for("kto", labelled(3)) == [(0,), (1,), (2,)]
