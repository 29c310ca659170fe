"""Agreement between judges, against values computed by hand and published ones."""

import math

import numpy as np
import pytest

from simlab.sim.scoring.agreement import krippendorff_alpha, ranks, spearman, spearman_by_pair

NAN = math.nan
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)
"""Krippendorff 2011, example C: four observers, twelve units, some without values."""


def test_alpha_of_the_published_example_is_as_published():
    assert krippendorff_alpha(KRIPPENDORFF) == pytest.approx(0.849, abs=5e-4)


def test_alpha_of_two_judges_by_hand():
    # Units (0, 0) and (0, 1): D_o = 2 / 4; of the four values, 6 of 12 ordered pairs differ.
    assert krippendorff_alpha(np.array([[0, 0], [0, 1]])) == pytest.approx(1 - 0.5 / 0.5)


@pytest.mark.parametrize(
    "ratings",
    [
        [[1.0, NAN], [NAN, 2.0]],
        [[1.0, 1.0], [1.0, 1.0]],
        [[1.0, 2.0]],
        [[0.1] * 5] * 3,  # whose mean is not 0.1
    ],
)
def test_where_nothing_varies_or_is_shared_there_is_no_alpha(ratings):
    assert krippendorff_alpha(np.array(ratings)) is None


def test_spearman_by_hand():
    # Ranks 1, 2, 3, 4 and 1, 3, 2, 4: 1 - 6 * 2 / (4 * 15).
    one, other = np.array([1.0, 2.0, 5.0, 9.0]), np.array([0.1, 0.3, 0.2, 0.9])

    assert spearman(one, other) == pytest.approx(0.8)
    assert spearman(one, -other) == pytest.approx(-0.8)


def test_units_that_one_judge_has_not_rated_count_nothing():
    assert spearman(np.array([1.0, NAN, 2.0]), np.array([3.0, -9.0, 4.0])) == pytest.approx(1)
    assert spearman(np.array([1.0, NAN]), np.array([3.0, 4.0])) is None
    assert spearman(np.array([1.0, 1.0]), np.array([3.0, 4.0])) is None


def test_equal_values_share_the_mean_of_their_ranks():
    assert ranks(np.array([5.0, 1.0, 5.0, 0.0])).tolist() == [3.5, 2.0, 3.5, 1.0]


def test_pairs_are_named_by_their_rows():
    found = spearman_by_pair(np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0]]))

    assert found == pytest.approx({(0, 1): 1.0, (0, 2): -1.0, (1, 2): -1.0})


def test_ratings_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"must be \(judges, units\), got shape \(3,\)"):
        krippendorff_alpha(np.array([1.0, 2.0, 3.0]))
