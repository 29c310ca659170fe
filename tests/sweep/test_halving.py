import pytest

from simlab.sweep.sweep_file import SchedulerSpec
from simlab.sweep.trial import Report

pytestmark = pytest.mark.ray  # Tune, which no unmarked test should wait for

ASHA = SchedulerSpec(name="asha", grace=1, factor=2)


def halving(spec=ASHA, *, rounds=4, mode="max"):
    from simlab.sweep.halving import Halving

    return Halving(spec, rounds, mode)


def test_what_is_below_the_best_half_of_a_rung_is_stopped():
    asked = halving()

    assert not asked.stops(0, Report(1, 5.0)), "the first has none beside it"
    assert asked.stops(1, Report(1, 4.0))
    assert not asked.stops(2, Report(1, 6.0))


def test_the_lower_is_better_in_mode_min():
    asked = halving(mode="min")

    assert not asked.stops(0, Report(1, 5.0))
    assert not asked.stops(1, Report(1, 4.0))
    assert asked.stops(2, Report(1, 6.0))


def test_between_rungs_and_within_the_grace_none_is_stopped():
    asked = halving(SchedulerSpec(name="asha", grace=2, factor=2))
    asked.stops(0, Report(1, 9.0))
    asked.stops(0, Report(2, 9.0))

    assert not asked.stops(1, Report(1, 1.0))
    assert asked.stops(1, Report(2, 1.0))
    assert not asked.stops(0, Report(3, 0.0))


def test_what_is_heard_again_changes_nothing():
    asked, again = halving(), halving()
    reports = [(0, Report(0, 1.0)), (0, Report(1, 5.0)), (1, Report(1, 4.0)), (2, Report(1, 6.0))]
    for told in (*reports, *reversed(reports)):
        again.stops(*told)
    for told in reports:
        asked.stops(*told)

    for other in (asked, again):
        assert [other.stops(n, Report(1, 5.5)) for n in (3, 4)] == [False, False]
        assert other.stops(5, Report(1, 5.0))


def test_a_missing_value_stops_nobody_and_none_is_stopped_without_a_scheduler():
    asked = halving()
    asked.stops(0, Report(1, 5.0))

    assert not asked.stops(1, Report(1, None))
    without = halving(SchedulerSpec(name="none"))
    without.stops(0, Report(1, 5.0))
    assert not without.stops(1, Report(1, 0.0))
