"""Where a dialogue goes: labels by their probability, and the graded rule."""

from random import Random

import pytest

from simlab.env.score import Score
from simlab.env.transition import draw_graded, draw_label, graded_probability

BINARY = Score(0.25, {"yes": 0.25, "no": 0.75})


def test_influence_5_labels_are_drawn_by_their_probability():
    rng = Random(1)

    drawn = [draw_label(BINARY, rng) for _ in range(10_000)]

    assert 0.235 <= drawn.count("yes") / 10_000 <= 0.265


def test_a_draw_does_not_depend_on_the_order_in_which_a_judge_names_labels():
    turned = Score(0.25, {"no": 0.75, "yes": 0.25})

    draws = [[draw_label(score, Random(seed)) for seed in range(50)] for score in (BINARY, turned)]

    assert draws[0] == draws[1]


@pytest.mark.parametrize("score", [Score(None), Score(None, {"yes": 0.9, "no": 0.1}), Score(1.0)])
def test_influence_5_where_there_is_no_mass_there_is_no_label(score):
    assert draw_label(score, Random(1)) is None


@pytest.mark.parametrize(("expected", "probability"), [(2, 0.00669), (3, 0.5), (4, 0.99331)])
def test_influence_6_the_graded_rule(expected, probability):
    assert graded_probability(expected) == pytest.approx(probability, abs=1e-5)


def test_influence_6_graded_draws_follow_the_rule_and_a_missing_rating_has_none():
    rng = Random(1)

    drawn = [draw_graded(Score(2.8), rng) for _ in range(10_000)]

    assert drawn.count("yes") / 10_000 == pytest.approx(graded_probability(2.8), abs=0.015)
    assert set(drawn) == {"yes", "no"}
    assert draw_graded(Score(None), rng) is None
