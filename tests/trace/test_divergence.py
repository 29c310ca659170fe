"""Both sides of a divergence are shown where they part."""

import math

import pytest

from simlab.trace.divergence import Difference, first_difference


@pytest.mark.parametrize(
    ("left", "right", "difference"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, Difference("a[1].b", 2, 3)),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, Difference("b", 2, 3)),
        ([1, 2], [1], Difference("", [1, 2], [1])),
        ({"a": 1}, {"a": 1.0}, Difference("a", 1, 1.0)),
        ({"a": {"x": None}}, {"a": "x"}, Difference("a", {"x": None}, "x")),
    ],
)
def test_the_first_difference_is_named_by_its_place(left, right, difference):
    assert first_difference(left, right) == difference


def test_what_is_on_one_side_only_is_a_difference():
    found = first_difference({"a": 1}, {})

    assert (found.where, found.left) == ("a", 1)


def test_equal_values_have_no_difference():
    assert first_difference({"a": [math.nan, "x"]}, {"a": [math.nan, "x"]}) is None
