"""What training has done to a model."""

import math

import numpy as np
import pytest

from simlab.train.diagnostics import kl_terms


def test_the_estimate_tends_to_the_divergence():
    policy, base = np.log([0.7, 0.2, 0.1]), np.log([0.3, 0.3, 0.4])
    drawn = np.random.default_rng(0).choice(3, 40_000, p=np.exp(policy))

    found = np.mean(kl_terms(policy[drawn], base[drawn]))

    assert found == pytest.approx(float(np.exp(policy) @ (policy - base)), rel=0.03)


def test_a_model_is_no_way_from_itself_and_never_less():
    assert kl_terms((-1.0, -2.0), (-1.0, -2.0)) == [0.0, 0.0]
    assert kl_terms((-3.0,), (-1.0,)) == [pytest.approx(math.exp(2) - 3)]
