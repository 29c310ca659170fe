"""Which episodes are learnt from, by how they were rated."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.train.selection import Rated, best_of, preference_pairs, top, top_and_bottom


def rated(ratings, **place):
    """Episodes of one place, numbered from 0."""
    return [Rated(number, rating, **place) for number, rating in enumerate(ratings)]


def numbers(chosen):
    return [one.episode for one in chosen]


@pytest.mark.parametrize(("size", "n_selected"), [(160, 10), (161, 11), (1, 0), (2, 1), (3, 1)])
def test_influence_9_of_each_environment_the_best_and_as_many_of_the_worst(size, n_selected):
    episodes = rated([(37 * n) % size for n in range(size)], env="booking")

    selection = top_and_bottom(episodes, 1 / 16)

    assert [one.rating for one in selection.positive] == [*range(size)][::-1][:n_selected]
    assert [one.rating for one in selection.negative] == [*range(size)][:n_selected]


@pytest.mark.parametrize(("level", "n_groups"), [("subenv", 8), ("env", 4), ("envclass", 2)])
def test_influence_9_levels_are_states_environments_and_their_classes(level, n_groups):
    places = itertools.product("ab", "cd", "ef")
    episodes = [
        Rated(episode, rating, subenv, env, envclass)
        for episode, ((envclass, env, subenv), rating) in enumerate(
            itertools.product(places, range(4))
        )
    ]

    selection = top_and_bottom(episodes, 0.01, level=level)

    assert len(selection.positive) == len(selection.negative) == n_groups
    assert {one.rating for one in selection.positive} == {3}
    assert {one.rating for one in selection.negative} == {0}
    assert len(best_of(episodes, 2, level=level)) == 2 * n_groups


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 3)), st.sampled_from("ab"))),
    st.floats(0.01, 1),
    st.booleans(),
)
def test_influence_9_no_episode_is_both_positive_and_negative(
    episodes, fraction, vetoed_may_be_negative
):
    chosen = [Rated(n, rating, env=env) for n, (rating, env) in enumerate(episodes)]

    selection = top_and_bottom(
        chosen,
        fraction,
        keep=lambda one: one.episode % 3 > 0,
        vetoed_may_be_negative=vetoed_may_be_negative,
    )

    both = [*selection.positive, *selection.negative]
    assert len(set(both)) == len(both)
    assert all(one.rating is not None for one in both)
    assert all(one.episode % 3 for one in selection.positive)
    assert vetoed_may_be_negative or all(one.episode % 3 for one in selection.negative)


def test_what_is_vetoed_is_left_out_before_the_best_are_counted():
    episodes = rated(range(8))

    selection = top_and_bottom(episodes, 0.25, keep=lambda one: one.rating < 4)

    assert numbers(selection.positive) == [3]
    assert numbers(selection.negative) == [0]


def test_what_is_vetoed_may_be_among_the_worst():
    episodes = rated(range(8))

    selection = top_and_bottom(
        episodes, 0.25, keep=lambda one: one.rating >= 4, vetoed_may_be_negative=True
    )

    assert numbers(selection.positive) == [7]
    assert numbers(selection.negative) == [0, 1]


def test_a_missing_rating_is_never_selected():
    episodes = rated([None, 1.0, None, 2.0])

    assert numbers(top(episodes, 1.0)) == [3, 1]
    assert numbers(best_of(episodes, 3)) == [3, 1]


def test_equal_ratings_are_taken_in_their_order():
    assert numbers(best_of(rated([5, 5, 5]), 2)) == [0, 1]


def test_winners_alone_are_rounded_up():
    assert numbers(top(rated([1, 3, 2]), 1 / 3)) == [1]
    assert numbers(top(rated([1, 3, 2, 0]), 1 / 3)) == [1, 2]


def test_pairs_put_the_best_with_the_worst_of_a_state():
    episodes = [*rated([1, 4, 2, 3], subenv="a"), *rated([7, 7], subenv="b")]

    pairs = preference_pairs(episodes, 2)

    assert [numbers(pair) for pair in pairs] == [[1, 0], [3, 2]]


def test_no_episode_is_in_two_pairs():
    pairs = preference_pairs(rated([1, 2, 3]), 3)

    assert [numbers(pair) for pair in pairs] == [[2, 0]]


def test_pairs_lie_apart_by_more_than_the_margin():
    assert preference_pairs(rated([1, 2]), margin=1.0) == ()
    assert len(preference_pairs(rated([1, 2.5]), margin=1.0)) == 1


def test_what_is_vetoed_is_the_better_one_of_no_pair():
    pairs = preference_pairs(rated([1, 2, 3]), keep=lambda one: one.rating < 3)

    assert [numbers(pair) for pair in pairs] == [[1, 0]]


@pytest.mark.parametrize("fraction", [0, -0.5, 1.5])
def test_a_fraction_that_is_none_is_refused_with_its_value(fraction):
    with pytest.raises(ValueError, match=rf"fraction must be in \(0, 1\], got {fraction}"):
        top_and_bottom([], fraction)


def test_less_than_one_of_each_state_is_refused():
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        best_of([], 0)
