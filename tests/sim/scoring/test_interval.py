"""Means have intervals that know which values belong together."""

import tracemalloc

import numpy as np
import pytest

from simlab.sim.scoring.interval import Interval, mean_interval


def test_the_interval_of_independent_values_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).normal(size=400).tolist()

    found = mean_interval(values, range(400))

    assert found.mean == pytest.approx(np.mean(values))
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.std(values) / 20, rel=0.1)


def test_rollouts_of_one_state_are_drawn_together():
    values = np.repeat(np.random.default_rng(2).normal(size=20), 50).tolist()

    together = mean_interval(values, np.repeat(np.arange(20), 50).tolist())
    apart = mean_interval(values, range(1000))

    assert together.high - together.low > 4 * (apart.high - apart.low)
    assert (together.n, together.n_clusters) == (1000, 20)


def test_the_same_seed_gives_the_same_interval():
    assert mean_interval([1, 2, 5], "abc", seed=3) == mean_interval([1, 2, 5], "abc", seed=3)


def test_draws_are_those_of_one_array_and_take_a_part_of_its_memory():
    values = np.random.default_rng(5).normal(size=1000).tolist()
    drawn = np.random.default_rng(4).integers(1000, size=(250, 1000))

    tracemalloc.start()
    found = mean_interval(values, range(1000), seed=4, n_resamples=250)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    at_once = np.quantile(np.array(values)[drawn].mean(axis=1), [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx(tuple(at_once))
    assert peak_bytes < drawn.nbytes


def test_of_one_cluster_no_interval_follows():
    assert mean_interval([1.0, 3.0], "aa") == Interval(2.0, None, None, 2, 1)
    assert mean_interval([], []) is None


@pytest.mark.parametrize(
    ("clusters", "level", "message"),
    [("a", 0.95, "must be as many, got 2 and 1"), ("ab", 1.0, r"level must be in \(0, 1\)")],
)
def test_what_makes_no_interval_is_refused(clusters, level, message):
    with pytest.raises(ValueError, match=message):
        mean_interval([1.0, 2.0], clusters, level=level)
