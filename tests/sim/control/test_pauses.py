"""Which episodes of a run stand still."""

from simlab.sim.control.pauses import Pauses


def test_what_is_said_of_one_holds_until_something_is_said_of_all():
    pauses = Pauses()
    pauses.set(None, paused=True)
    pauses.set(3, paused=False)
    between = [pauses.holds_of(2), pauses.holds_of(3)]

    pauses.set(None, paused=True)

    assert between == [True, False]
    assert pauses.holds_of(3)


def test_a_run_is_paused_where_any_of_its_episodes_is():
    pauses = Pauses()
    before = bool(pauses)
    pauses.set(3, paused=True)
    then = bool(pauses)
    pauses.set(3, paused=False)

    assert (before, then, bool(pauses)) == (False, True, False)
