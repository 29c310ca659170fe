"""Charts hold the points of tables: by seat, by where episodes began, and never too many."""

import pytest

from simlab.apps.charting import MOST_LINES, MOST_POINTS, by_round, chart_of, episodes_in
from simlab.apps.plots import PLOTS, plot_named
from simlab.errors import ConfigError, NotFoundError
from simlab.view.opened import OpenedRun
from simlab.view.series import Load, by_turn, over_episodes
from simlab.view.table import Table


@pytest.fixture
def sale(runs):
    return OpenedRun(runs / "sale")


@pytest.fixture
def coach(runs):
    return OpenedRun(runs / "coach")


def lines_of(chart):
    return {name: [(p.x, p.y) for p in chart.points if p.line == name] for name in chart.lines}


def test_rewards_add_up_turn_by_turn_to_the_return_of_the_episode(sale):
    chart = chart_of(PLOTS["return"], by_turn(sale, [0]))

    buyer = lines_of(chart)["buyer"]
    assert buyer[-1] == (6, sale.row(0)["returns"]["buyer"]) == (6, 750.0)
    assert buyer[0][1] == 0


def test_episodes_are_told_apart_only_where_there_are_several(sale):
    one, two = (chart_of(PLOTS["reward"], by_turn(sale, of)) for of in ([0], [0, 1]))

    assert {*one.lines} == {"buyer", "seller"}
    assert "buyer · episode 1" in two.lines


def test_each_label_of_a_rating_has_a_line_of_its_own(coach):
    chart = chart_of(PLOTS["labels"], by_turn(coach, [0]))

    assert {"influence · yes", "influence · no"} <= set(chart.lines)
    assert all(0 <= point.y <= 1 for point in chart.points)


def test_episodes_are_told_apart_by_where_they_began(coach):
    table = over_episodes(coach)

    plain = chart_of(PLOTS["ratings"], table)
    apart = chart_of(PLOTS["ratings"], table, "environment")

    assert plain.lines == ["influence", "preference"]
    assert "influence · gameable_exam" in apart.lines
    assert len(plain.points) == len(apart.points) == 4


def test_bars_are_means_over_the_episodes_that_began_alike():
    rows = [
        {"episode": n, "start:state": state, "return:ann": value}
        for n, (state, value) in enumerate([("a", 1.0), ("b", 5.0), ("a", 3.0)])
    ]

    chart = chart_of(PLOTS["returns_by_start"], Table(rows))

    assert [(point.x, point.y) for point in chart.points] == [("a", 2.0), ("b", 5.0)]


def test_where_nobody_is_rewarded_there_are_no_returns_to_draw(coach):
    assert chart_of(PLOTS["returns"], over_episodes(coach)).points == ()


def test_a_load_of_one_second_is_a_line_as_long_as_that_second(sale):
    chart = chart_of(PLOTS["throughput"], Table(Load(sale).read().rows[:1]))

    assert [x for x, _ in lines_of(chart)["turns"]] == [0, 1]


def test_of_too_many_points_some_are_drawn_that_lie_evenly_and_the_chart_says_so():
    rows = [{"episode": n, "n_steps": n} for n in range(10 * MOST_POINTS)]

    chart = chart_of(PLOTS["length"], Table(rows))

    assert len(chart.points) == MOST_POINTS
    assert {b.x - a.x for a, b in zip(chart.points, chart.points[1:], strict=False)} == {10}
    assert chart.told() == "Length: 3,000 of 30,000 points, spread evenly over all"


def test_of_too_many_lines_the_first_are_drawn_and_the_chart_says_so():
    row = {f"score:judge {n}": 1.0 for n in range(MOST_LINES + 3)}

    chart = chart_of(PLOTS["scores"], Table([{"episode": 0, **row}]))

    assert chart.told() == f"Scores of judges: the first {MOST_LINES} of {MOST_LINES + 3} lines"


def test_values_that_are_no_numbers_are_passed_over():
    rows = [{"episode": 0, "score:a": "NaN"}, {"episode": 1, "score:a": None}]

    assert chart_of(PLOTS["scores"], Table(rows)).points == ()


def test_a_round_has_its_mean_both_ends_and_each_environment():
    ends = {"mean": 3.0, "low": 2.5, "high": None, "n": 4}
    table = by_round([{"round": 1, "rating": ends, "by_environment": {"exam": {"rating": ends}}}])

    lines = lines_of(chart_of(PLOTS["round_rating"], table))

    assert lines == {"all": [(1, 3.0)], "95 % low": [(1, 2.5)], "exam": [(1, 3.0)]}


@pytest.mark.parametrize(
    ("text", "episodes"), [("0", [0]), ("0-3, 7", [0, 1, 2, 3, 7]), ("2 2,1", [2, 1])]
)
def test_episodes_are_named_by_numbers_and_stretches(text, episodes):
    assert episodes_in(text) == episodes


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "0-100000000000000000000", "3-1", "1.5"])
def test_what_names_no_episodes_is_refused(text):
    with pytest.raises(ConfigError, match="episodes must be"):
        episodes_in(text)


def test_a_plot_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(NotFoundError, match=r"plot must be one of reward, .*, got 'nothing'"):
        plot_named("nothing")
