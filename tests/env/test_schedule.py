"""Which dialogues a round has."""

import pytest

from simlab.env.schedule import Start, counts_by_environment, scheduled

TWENTY_FOUR = {f"{kind}_{n}": kind for kind in ("vuln", "normal") for n in range(12)}


def test_influence_12_two_percent_of_4000_for_each_of_24_environments():
    counts = counts_by_environment(TWENTY_FOUR, 4000, {"vuln": 0.02, "normal": 0.98})

    assert {counts[name] for name in TWENTY_FOUR if TWENTY_FOUR[name] == "vuln"} == {160}
    assert {counts[name] for name in TWENTY_FOUR if TWENTY_FOUR[name] == "normal"} == {7840}


def test_influence_12_what_does_not_divide_loses_and_gains_none():
    counts = counts_by_environment(TWENTY_FOUR, 267, {"vuln": 0.3, "normal": 0.7})

    assert sum(counts.values()) == 6408
    assert sum(counts[name] for name in TWENTY_FOUR if TWENTY_FOUR[name] == "vuln") == 1922
    assert set(counts.values()) == {160, 161, 373, 374}


def test_all_other_populations_share_one_fraction():
    populations = {"a_1": "a", "b_1": "b", "c_1": "c"}

    assert counts_by_environment(populations, 4, {"a": 0.5, "*": 0.5}) == {
        "a_1": 6,
        "b_1": 3,
        "c_1": 3,
    }


def test_populations_that_no_fraction_names_are_left_out():
    assert counts_by_environment({"a_1": "a", "b_1": "b"}, 5, {"b": 1.0}) == {"a_1": 0, "b_1": 10}


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"vuln": 0.3, "normal": 0.6}, "fractions must sum to 1, got 0.9"),
        ({"vuln": 1.5, "normal": -0.5}, r"fraction of 'vuln' must be in \[0, 1\], got 1.5"),
        ({"weak": 0.5, "normal": 0.5}, "'weak' has no environment; there are .*'vuln', 'normal'"),
    ],
)
def test_fractions_that_are_no_shares_are_refused(fractions, message):
    with pytest.raises(ValueError, match=message):
        counts_by_environment(TWENTY_FOUR, 10, fractions)


def test_influence_13_rounds_go_on_where_the_one_before_has_ended_and_begin_again():
    states = {n: [start.state for start in scheduled(n, 160, 3200)] for n in (0, 19, 20)}

    assert states[19] == list(range(3040, 3200)), "3,041 to 3,200, counted from 1"
    assert states[20] == states[0] == list(range(160))


@pytest.mark.parametrize("scheme", ["sequential", "random", "fixed"])
def test_influence_13_more_than_there_are_states_gives_exactly_so_many_distinct_starts(scheme):
    starts = scheduled(1, 25, 10, scheme=scheme)

    assert len(starts) == len(set(starts)) == 25
    assert {start.rollout for start in starts} == {0, 1, 2}
    assert {start.state for start in starts} == set(range(10))


def test_a_round_that_passes_the_last_state_goes_on_at_the_first():
    assert scheduled(1, 3, 5) == [Start(3, 0), Start(4, 0), Start(0, 0)]


def test_random_rounds_differ_and_follow_from_the_seed():
    rounds = [scheduled(n, 5, 100, scheme="random", seed=3) for n in (0, 1, 0)]

    assert rounds[0] == rounds[2] != rounds[1]


@pytest.mark.parametrize("numbers", [(0, 5, 0), (-1, 5, 3), (0, -1, 3)])
def test_rounds_that_there_cannot_be_are_refused(numbers):
    with pytest.raises(ValueError, match="expected a round from 0"):
        scheduled(*numbers)


def test_an_unknown_scheme_is_refused():
    with pytest.raises(ValueError, match=r"scheme must be one of .* got 'sorted'"):
        scheduled(0, 1, 1, scheme="sorted")
