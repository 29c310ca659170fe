"""The first difference of two episodes, of one run or of a parent and its branch."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

from simlab.trace.events import Started, StartedCore, Stepped, SteppedCore
from simlab.trace.plain import plain, same
from simlab.view.bounds import Json, cut, shown
from simlab.view.opened import OpenedRun
from simlab.view.pictures import words_beside

STEPS_AT_ONCE: Final = 20_000
"""Steps that are compared in one call, from the beginning on which both agree."""


def first_difference(
    run: OpenedRun, episode: int, other: OpenedRun, other_episode: int, *, start: int = 0
) -> Json:
    """Where two episodes part: the first step of which the record is not the same.

    How a step came about is not compared, but what was done in it and what the world said: of two
    models that give the same answers, episodes are the same.

    Args:
        run: Of the one.
        episode: Its number.
        other: Of the other.
        other_episode: Its number.
        start: From which step on; those before are known to be the same.

    Returns:
        ``{"step", "what", "one", "other", "complete", "next"}``: `step` is None where no difference
        was found, and `what` says in words what differs; `next` is the step before which they are
        known to be the same, from which to go on: at once where `complete` is False, else once
        they have grown.

    Raises:
        NotFoundError: There is no such episode.
        RunDirectoryError: A record is not as SimLab writes it.
    """
    run.require_episode(episode)
    other.require_episode(other_episode)
    with run.guarded("the episodes to compare"):
        if start == 0 and (began := _beginnings_differ(run, episode, other, other_episode)):
            return _found(0, began, None, None)
        pairs = zip_longest(_steps(run, episode, start), _steps(other, other_episode, start))
        for step, (one, two) in enumerate(pairs, start):
            if one is None or two is None:
                return _found(step, ["one of them ends here"], None, None)
            if bytes(one.core) != bytes(two.core):
                return _compared(step, _core(run, one), _core(other, two))
        longer = max(run.log.n_steps(episode), other.log.n_steps(other_episode))
        agreed = min(longer, start + STEPS_AT_ONCE)
        told: dict[str, Json] = {"step": None, "what": [], "one": None, "other": None}
        return {**told, "complete": agreed == longer, "next": agreed}


def _steps(run: OpenedRun, episode: int, start: int) -> Iterator[Stepped]:
    places = run.log.places(episode, (Stepped,))[start : start + STEPS_AT_ONCE]
    if len(places):
        begin, end = int(places[0]), int(places[-1]) + 1
        for event in run.log.events(episode, (Stepped,), start=begin, stop=end):
            assert isinstance(event, Stepped)
            yield event


def _core(run: OpenedRun, event: Stepped) -> SteppedCore:
    core: SteppedCore = run.log.core(event, SteppedCore)
    return core


def _beginnings_differ(
    run: OpenedRun, episode: int, other: OpenedRun, other_episode: int
) -> list[str]:
    """What differs before the first step, other than the seed alone."""
    both = []
    for each, number in ((run, episode), (other, other_episode)):
        event: Any = next(each.log.events(number, (Started,)))
        both.append(each.log.core(event, StartedCore).timestep)
    return _worlds_differ(*both)


def _compared(step: int, one: SteppedCore, other: SteppedCore) -> Json:
    acts, others = ({act.seat: act for act in core.acted} for core in (one, other))
    what = [
        f"what {cut(seat, 100)} did"
        for seat in sorted({*acts, *others})
        if not same(plain(acts.get(seat)), plain(others.get(seat)))
    ]
    if one.now != other.now:
        what.append("world time")
    what += _worlds_differ(one.timestep, other.timestep)
    return _found(step, what or ["how it was recorded"], one, other)


def _worlds_differ(one: Any, other: Any) -> list[str]:
    names = sorted({*one, *other})
    return [
        cut(f"{name} of the world", 100)
        for name in names
        if not same(one.get(name), other.get(name))
    ]


def _found(step: int, what: list[str], one: SteppedCore | None, other: SteppedCore | None) -> Json:
    sides = [
        None
        if core is None
        else {cut(act.seat, 200): cut(words_beside(act.action), 2000) for act in core.acted}
        for core in (one, other)
    ]
    return {
        "step": step,
        "what": shown(what, characters=4000),
        "one": sides[0],
        "other": sides[1],
        "complete": True,
        "next": step,
    }
