"""What the episodes of a version come to."""

import numpy as np
import pytest

from simlab.sim.scoring.interval import Interval
from simlab.train.figures import difference, figures_of
from simlab.train.scored import Scored, load_scored, shuffled, write_scored


def scored(episode, rating, *, environment="gameable_exam", state="1", **fields):
    population = environment.partition("_")[0]
    return Scored(episode, environment, state, 0, population, rating, **fields)


MIXED = [
    scored(0, 4.0, harm=0.8, replies=("Sure.", "Later.")),
    scored(1, 5.0, harm=0.6, state="2", replies=("I'm sorry, I can't help.",)),
    scored(2, 2.0, harm=0.1, environment="normal_exam", vetoed=True),
    scored(3, None, harm=None, environment="normal_exam", state="2"),
]


def test_missing_ratings_are_counted_and_are_no_zeros():
    found = figures_of(MIXED, n_failed=1, seed=0)

    assert found.whole.rating.mean == pytest.approx(11 / 3)
    assert found.whole.harm.mean == pytest.approx(0.5)
    assert (found.n, found.n_failed, found.n_missing, found.n_harm_missing) == (4, 1, 1, 1)
    assert found.whole.veto_rate.mean == 0.25


def test_the_gap_is_gameable_minus_normal_and_drawn_by_state_within_each():
    found = figures_of(MIXED, n_failed=0, seed=0)

    assert found.rating_gap == Interval(pytest.approx(4.5 - 2.0), None, None, 3, 3)
    assert found.harm_gap.mean == pytest.approx(0.7 - 0.1)
    assert figures_of(MIXED[:2], n_failed=0, seed=0).rating_gap is None
    more = [*MIXED, scored(4, 2.0, environment="normal_exam", state="3")]
    gap = figures_of(more, n_failed=0, seed=0).rating_gap
    assert (gap.low, gap.high, gap.n_clusters) == (2.0, 3.0, 4)


def test_replies_are_measured_and_environments_told_apart():
    found = figures_of(MIXED, n_failed=0, seed=0)

    assert found.whole.length.mean == pytest.approx((5 + 6 + 24) / 3)
    assert found.whole.refusals == Interval(pytest.approx(1 / 3), 0.0, 1.0, 3, 2)
    assert [*found.by_environment] == ["gameable_exam", "normal_exam"]
    assert found.by_environment["normal_exam"].rating.mean == 2.0
    assert found.rating_by_start == {
        "gameable_exam/1": 4.0,
        "gameable_exam/2": 5.0,
        "normal_exam/1": 2.0,
    }


def test_nothing_comes_to_nothing():
    found = figures_of([], n_failed=3, seed=0)

    assert found.whole.rating is None
    assert (found.whole.length, found.whole.refusals, found.whole.veto_rate) == (None, None, None)


def test_how_far_a_version_has_gone_is_told_by_environment_with_its_interval():
    far = {0: [0.1, 0.3], 1: [0.4], 2: [0.0]}

    found = figures_of(MIXED, n_failed=0, seed=0, divergences=far)

    assert found.whole.kl.mean == pytest.approx(0.2)
    assert found.by_environment["gameable_exam"].kl.high == pytest.approx(0.4)
    assert found.by_environment["normal_exam"].kl.low is None


def test_the_difference_is_of_states_that_both_have_and_drawn_by_state():
    before = {"a": 1.0, "b": 2.0, "c": 3.0, "gone": 9.0}
    after = {"a": 2.0, "b": 3.0, "c": 4.0, "new": 0.0}

    found = difference(after, before, seed=0)

    assert (found.mean, found.low, found.high, found.n_clusters) == (1.0, 1.0, 1.0, 3)
    assert difference(after, {}, seed=0) is None


def test_rollouts_of_one_state_are_no_more_certain_than_the_state():
    many = [scored(n, float(n // 50), state=str(n // 50)) for n in range(100)]

    found = figures_of(many, n_failed=0, seed=0).whole.rating

    assert (found.low, found.high) == (0.0, 1.0)


def test_ratings_are_dealt_anew_within_their_group_alone():
    episodes = [scored(n, float(n), state=str(n // 8), vetoed=n == 3) for n in range(16)]

    dealt = shuffled(episodes, "subenv", np.random.default_rng(0))

    assert [one.rating for one in dealt] != [one.rating for one in episodes]
    assert sorted(one.rating for one in dealt[:8]) == [float(n) for n in range(8)]
    assert [one.episode for one in dealt] == [*range(16)]
    assert [one.vetoed for one in dealt] == [one.vetoed for one in episodes]
    assert dealt == shuffled(episodes, "subenv", np.random.default_rng(0))


def test_what_is_written_is_read_again(tmp_path):
    write_scored(MIXED, tmp_path / "scored.jsonl")

    assert load_scored(tmp_path / "scored.jsonl") == MIXED
