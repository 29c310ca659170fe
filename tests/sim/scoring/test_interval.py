"""Means have intervals that know which values belong together."""

import tracemalloc

import numpy as np
import pytest

from simlab.sim.scoring.interval import Interval, gap_interval, mean_interval


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


def test_a_gap_is_drawn_within_each_of_the_two():
    rng = np.random.default_rng(4)
    ones = {f"a{n}": [float(value)] for n, value in enumerate(rng.normal(3, 1, size=200))}
    others = {f"b{n}": [float(value)] * 3 for n, value in enumerate(rng.normal(1, 2, size=100))}

    found = gap_interval(ones, others)

    assert found.mean == pytest.approx(2, abs=0.5)
    wanted = 2 * 1.96 * (1 / 200 + 4 / 100) ** 0.5
    assert found.high - found.low == pytest.approx(wanted, rel=0.15)
    assert (found.n, found.n_clusters) == (500, 300)


def test_no_gap_is_known_without_one_of_the_two_nor_its_ends_of_one_cluster():
    assert gap_interval({"a": [1.0]}, {}) is None
    assert gap_interval({"a": [1.0]}, {"b": [0.0], "c": [0.0]}) == Interval(1.0, None, None, 3, 3)
    with pytest.raises(ValueError, match=r"level must be in \(0, 1\)"):
        gap_interval({}, {}, level=1.0)
