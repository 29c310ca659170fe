from simlab.sweep.trial import Report, Trial, best_of


def trial(number, state, *values):
    reports = [Report(place, value) for place, value in enumerate(values)]
    return Trial(number, {}, state, reports)


def test_the_best_is_among_those_that_have_ended_and_the_first_of_equals():
    trials = [
        trial(0, "ended", 9.0, 1.0),
        trial(1, "stopped", 1.0, 8.0),
        trial(2, "ended", 0.0, 2.0),
        trial(3, "ended", 0.0, 2.0),
        trial(4, "ended", 0.0, None),
        trial(5, "failed"),
    ]

    assert best_of(trials, "max").number == 2
    assert best_of(trials, "min").number == 0


def test_there_is_no_best_where_none_has_ended_with_a_value():
    assert best_of([trial(0, "stopped", 1.0), trial(1, "ended", None)], "max") is None


def test_a_value_of_zero_is_better_than_one_below():
    assert best_of([trial(0, "ended", -1.0), trial(1, "ended", 0.0)], "max").number == 1


def test_a_round_is_kept_once():
    found = trial(0, "running", 1.0, 2.0)

    assert not found.add(Report(1, 7.0))
    assert found.add(Report(2, 3.0))
    assert found.value == 3.0
