"""The form of a time step: what of it is not as the protocol has it, whatever the world.

It is checked at every step of every episode, before the step is committed, so that a world that
breaks it fails its own episode and nobody else; `check_environment` checks it too, and much more.
"""

import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from simlab.env.environment import ActionRequest, Seat, TimeStep
from simlab.env.number import is_number, is_time
from simlab.env.spaces import KINDS, is_space

_LONGEST: Final = 80
_ENDINGS: Final = ("terminated", "truncated")
_BY_SEAT: Final = ("requests", "observations", "rewards", "ended", "info")


def malformed(timestep: Any, seats: Collection[Seat]) -> str | None:
    """What of a time step has the wrong form: expected, got, remedy; None if nothing has.

    The words hold no addresses of objects: they enter the digest of the episode that they fail.

    Args:
        timestep: What a world's `reset` or `step` returned; a coroutine is closed.
        seats: Of the world.
    """
    if not isinstance(timestep, TimeStep):
        return _no_timestep(timestep)
    return next(chain(_unknown_seats(timestep, seats), _faults(timestep)), None)


def shown(value: Any) -> str:
    """A value in a message: itself if it is short and plain, else its type."""
    if isinstance(value, str | int | float | None) and len(text := repr(value)) <= _LONGEST:
        return text
    return f"a value of type {type(value).__name__}"


def _no_timestep(value: Any) -> str:
    if inspect.iscoroutine(value):
        value.close()
        return "expected a TimeStep, got a coroutine; define reset() and step() without 'async'"
    return f"expected a TimeStep, got {shown(value)}"


def _unknown_seats(timestep: TimeStep, seats: Collection[Seat]) -> Iterator[str]:
    for name in _BY_SEAT:
        part = getattr(timestep, name)
        if type(part) is not dict and not isinstance(part, Mapping):
            yield f"{name} must map seats to what is said of them, got {shown(part)}"
        for seat in part:
            if seat not in seats:
                yield f"{name} must be for seats of the world {tuple(seats)!r}, got {shown(seat)}"


def _faults(timestep: TimeStep) -> Iterator[str]:
    """What is wrong in what is said of a seat, or of the time."""
    for seat, request in timestep.requests.items():
        yield from _faults_of_request(seat, request)
    for seat, seen in timestep.observations.items():
        if type(seen) is not list and not _is_list(seen):
            yield f"observations of {seat!r} must be a list, got {shown(seen)}; put it into a list"
    for seat, reward in timestep.rewards.items():
        if type(reward) is not float and not is_number(reward):
            yield f"the reward of {seat!r} must be a number, got {shown(reward)}"
    for seat, ending in timestep.ended.items():
        if not isinstance(ending, str) or ending not in _ENDINGS:
            yield f"the end of {seat!r} must be one of {_ENDINGS!r}, got {shown(ending)}"
    for seat, facts in timestep.info.items():
        if type(facts) is not dict and not isinstance(facts, Mapping):
            yield f"info of {seat!r} must map names to facts, got {shown(facts)}"
    if timestep.wake is not None and not is_time(timestep.wake):
        yield f"wake must be a finite time in seconds, got {shown(timestep.wake)}"


def _faults_of_request(seat: Seat, request: Any) -> Iterator[str]:
    if not isinstance(request, ActionRequest):
        yield f"the request of {seat!r} must be an ActionRequest, got {shown(request)}"
    if request.deadline is not None and not is_time(request.deadline):
        got = shown(request.deadline)
        yield f"the deadline of {seat!r} must be a finite time in seconds, got {got}"
    if not isinstance(request.refused, tuple):
        yield f"refused of {seat!r} must be left as it is, got {shown(request.refused)}"
    if not is_space(request.space):
        yield f"the space of {seat!r} must be {KINDS}, got {shown(request.space)}"


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
