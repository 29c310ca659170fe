"""The AUC of a rater, against values computed by hand."""

import pytest

from simlab.sim.scoring.auc import auc


@pytest.mark.parametrize(
    ("values", "labels", "area"),
    [
        ([1, 2, 3, 4], [False, False, True, True], 1.0),
        ([4, 3, 2, 1], [False, False, True, True], 0.0),
        ([1, 3, 2, 4], [False, False, True, True], 0.75),
        ([1, 1, 1, 1], [False, False, True, True], 0.5),
        ([1, 2, 2], [False, True, False], 0.75),
        ([1, 2], [True, True], None),
        ([], [], None),
    ],
)
def test_it_is_the_share_of_pairs_that_are_told_apart(values, labels, area):
    assert auc(values, labels) == area


def test_each_value_needs_a_label():
    with pytest.raises(ValueError, match="values and labels must be as many, got 2 and 1"):
        auc([1, 2], [True])
