"""Static samples beside one's own."""

import numpy as np
import pytest

from simlab.errors import ConfigError
from simlab.train.mix import mixed, n_static
from tests.train.conftest import sample_of


def static(n_pairs):
    return [
        sample_of(first=pair, label=label, pair=pair, role="static")
        for pair in range(n_pairs)
        for label in (False, True)
    ]


@pytest.mark.parametrize(("fraction", "n"), [(0.0, 0), (0.25, 80), (0.5, 240), (0.75, 720)])
def test_influence_11_a_share_of_all_is_static(fraction, n):
    own = [sample_of(label=True)] * 240

    samples = mixed(own, static(360), fraction, rng=np.random.default_rng(1))

    assert len(samples) == 240 + n
    assert n_static(240, fraction) == n
    assert list(samples[:240]) == own


def test_influence_11_static_samples_come_in_pairs_of_chosen_and_rejected():
    samples = mixed(
        [sample_of(pair=4, label=True)] * 6, static(9), 0.5, rng=np.random.default_rng(1)
    )

    added = samples[6:]
    assert [one.label for one in added] == [True, False] * 3
    assert [one.pair for one in added] == [5, 5, 6, 6, 7, 7]
    assert all(one.ids == other.ids for one, other in zip(added[::2], added[1::2], strict=True))
    assert len({one.ids for one in added}) == 3


def test_the_same_seed_draws_the_same_pairs():
    def drawn(seed):
        return mixed([sample_of()] * 4, static(9), 0.5, rng=np.random.default_rng(seed))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_too_few_static_pairs_are_refused():
    with pytest.raises(ConfigError, match="takes 2 static pairs, got 1"):
        mixed([sample_of()] * 4, static(1), 0.5, rng=np.random.default_rng(1))


def test_half_a_pair_is_refused():
    with pytest.raises(ConfigError, match=r"labelled True and one labelled False, got \[False\]"):
        mixed([sample_of()] * 2, static(1)[:1], 0.5, rng=np.random.default_rng(1))


def test_static_samples_without_pairs_are_refused():
    with pytest.raises(ConfigError, match="must come in pairs"):
        mixed([sample_of()] * 2, [sample_of()] * 2, 0.5, rng=np.random.default_rng(1))


@pytest.mark.parametrize("fraction", [1.0, -0.1])
def test_a_share_that_is_none_is_refused(fraction):
    with pytest.raises(ValueError, match=rf"fraction must be in \[0, 1\), got {fraction}"):
        n_static(240, fraction)
