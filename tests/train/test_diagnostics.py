"""What training has done to a model."""

import math

import numpy as np
import pytest

from simlab.train.diagnostics import kl_estimate_to_base, mean_length, refusal_rate


def test_the_estimate_tends_to_the_divergence():
    policy, base = np.log([0.7, 0.2, 0.1]), np.log([0.3, 0.3, 0.4])
    drawn = np.random.default_rng(0).choice(3, 40_000, p=np.exp(policy))

    found = kl_estimate_to_base([policy[drawn]], [base[drawn]])

    assert found == pytest.approx(float(np.exp(policy) @ (policy - base)), rel=0.03)


def test_a_model_is_no_way_from_itself_and_never_less():
    assert kl_estimate_to_base([(-1.0, -2.0)], [(-1.0, -2.0)]) == 0.0
    assert kl_estimate_to_base([(-3.0,)], [(-1.0,)]) == pytest.approx(math.exp(2) - 3)


def test_a_divergence_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one token"):
        kl_estimate_to_base([], [])


def test_rates_and_lengths_are_means():
    replies = ["I cannot help.", "Sure."]

    assert refusal_rate(replies) == 0.5
    assert mean_length(replies) == 9.5


@pytest.mark.parametrize("measure", [refusal_rate, mean_length])
def test_a_mean_of_nothing_is_refused(measure):
    with pytest.raises(ValueError, match="at least one reply, got none"):
        measure([])
