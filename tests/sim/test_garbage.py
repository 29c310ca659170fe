"""While episodes are played, garbage is collected rarely, and not among what was there before."""

import gc
import weakref

import pytest

from simlab.sim import garbage
from simlab.sim.garbage import begin_play, end_play

PYTHONS_OWN = (700, 10, 10)


class Ring:
    """An object that only the garbage collector frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _outside_play(monkeypatch):
    """The one play in which all tests are nested is forgotten; Python collects as it does."""
    monkeypatch.setattr(garbage, "_before", [])
    before = gc.get_threshold()
    gc.set_threshold(*PYTHONS_OWN)
    yield
    gc.set_threshold(*before)
    gc.freeze()


def test_play_collects_more_rarely_until_the_last_play_has_ended():
    begin_play()
    begin_play()
    end_play()
    within = gc.get_threshold()
    end_play()

    assert all(rare > often for rare, often in zip(within, PYTHONS_OWN, strict=True))
    assert gc.get_threshold() == PYTHONS_OWN


def test_what_is_there_before_is_left_out_while_episodes_are_played_and_no_longer():
    things = [[] for _ in range(1_000)]
    left_out = gc.get_freeze_count()

    begin_play()
    left_out_in_play = gc.get_freeze_count()
    end_play()

    assert left_out_in_play >= left_out + len(things)
    assert gc.get_freeze_count() == 0


def test_garbage_from_before_goes_when_play_begins_and_what_falls_due_in_it_can_go():
    before = weakref.ref(Ring())

    begin_play()
    freed_at_the_beginning = before() is None
    within = weakref.ref(Ring())
    gc.collect()
    freed_within = within() is None
    end_play()

    assert (freed_at_the_beginning, freed_within) == (True, True)
