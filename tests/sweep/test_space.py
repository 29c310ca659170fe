import math

import pytest

from simlab.errors import ConfigError
from simlab.sweep.space import Domain, points_of, read_domain, settings_of
from simlab.yaml_file import with_settings


def space(**domains):
    return {key: read_domain(given) for key, given in domains.items()}


def test_lists_are_gone_through_in_all_combinations():
    points = points_of(space(a=[1, 2], b=["x", "y", "z"]), None, seed=0)

    assert [tuple(point.values()) for point in points] == [
        (1, "x"), (1, "y"), (1, "z"), (2, "x"), (2, "y"), (2, "z"),
    ]  # fmt: skip


def test_what_is_drawn_follows_from_seed_key_and_number_alone():
    few = points_of(space(rate={"uniform": [0, 1]}), 3, seed=5)
    more = points_of(space(other=[1, 2], rate={"uniform": [0, 1]}), 6, seed=5)

    assert [point["rate"] for point in few] == [point["rate"] for point in more[:3]]
    assert len({point["rate"] for point in more}) == 6
    assert few != points_of(space(rate={"uniform": [0, 1]}), 3, seed=6)


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ({"uniform": [2, 3]}, lambda value: 2 <= value <= 3),
        ({"log_uniform": [1e-5, 1e-3]}, lambda value: 1e-5 <= value <= 1e-3),
        ({"integer": [1, 4]}, lambda value: type(value) is int and 1 <= value <= 4),
        ({"choice": ["sft", "kto"]}, lambda value: value in ("sft", "kto")),
    ],
)
def test_draws_are_within_their_ends(given, fits):
    points = points_of(space(key=given), 200, seed=1)

    assert all(fits(point["key"]) for point in points)
    assert len({point["key"] for point in points}) == {"choice": 2, "integer": 4}.get(
        next(iter(given)), 200
    )


def test_half_of_what_is_drawn_on_a_log_scale_is_below_its_middle():
    points = points_of(space(rate={"log_uniform": [1e-6, 1e-2]}), 400, seed=2)

    below = sum(math.log10(point["rate"]) < -4 for point in points)
    assert 160 < below < 240


@pytest.mark.parametrize(
    ("n_trials", "domains", "message"),
    [
        (5, {"a": [1, 2], "b": {"uniform": [0, 1]}}, r"a multiple of 2, .* got 5"),
        (4, {"a": [1, 2]}, r"trials must be 2, the combinations .* got 4"),
    ],
)
def test_combinations_come_up_equally_often_or_are_refused(n_trials, domains, message):
    with pytest.raises(ConfigError, match=message):
        points_of(space(**domains), n_trials, seed=0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], r"must be a list of values, or one of choice.* got \[\]"),
        (3, r"must be a list of values, .* got 3"),
        ({"normal": [0, 1]}, r"got \{'normal': \[0, 1\]\}"),
        ({"uniform": [2, 1]}, r"uniform must have two numbers, the lower one first, got \[2, 1\]"),
        ({"uniform": [0, True]}, "uniform must have two numbers"),
        ({"log_uniform": [0, 1]}, r"log_uniform must have two numbers above 0, .* got \[0, 1\]"),
        ({"integer": [1, 2.5]}, "integer must have two whole numbers"),
    ],
)
def test_other_domains_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        read_domain(given)


def test_settings_mean_the_values_that_they_were_made_from():
    point = {"train.learning_rate": 1e-5, "select.method": "top", "a.b": [1, None], "c": True}

    assert with_settings({}, settings_of(point)) == {
        "train": {"learning_rate": 1e-5},
        "select": {"method": "top"},
        "a": {"b": [1, None]},
        "c": True,
    }


def test_a_domain_is_read_again_from_what_it_is_written_as():
    assert read_domain([1, 2]) == Domain("grid", (1, 2))
    assert read_domain({"choice": [1, 2]}) == Domain("choice", (1, 2))
