"""Episodes played at random among what is legal, recorded so that they can be played again."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.random import Generator

from simlab.env.contract import WatchedWorld
from simlab.env.environment import UNSET, Seat, TimeStep
from simlab.env.spaces import sample
from simlab.errors import IllegalAction

_DRAWS = 50


@dataclass(frozen=True, slots=True)
class Turn:
    """One call of `step`.

    Attributes:
        actions: What was taken.
        now: World time in seconds.
        refused: What was tried before and refused.
    """

    actions: Mapping[Seat, Any]
    now: float
    refused: "tuple[Turn, ...]" = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """An episode: how it began, all turns, and the plain data of the time steps they led to."""

    seed: int
    options: Mapping[str, Any] | None
    turns: tuple[Turn, ...]
    plain: tuple[Mapping[str, Any], ...]


Policy = Callable[[TimeStep, float, Generator], Turn]
"""Chooses the next turn, given the time step, world time and a generator."""


def at_random(timestep: TimeStep, now: float, rng: Generator) -> Turn:
    """Required seats act; optional ones act at random times, or time passes until `wake`."""
    required = [seat for seat, request in timestep.requests.items() if request.required]
    optional = [seat for seat, request in timestep.requests.items() if not request.required]
    acting = [*required, *(seat for seat in optional if rng.random() < 0.3)]
    if not acting and timestep.wake is not None:
        return Turn({}, timestep.wake)
    acting = acting or optional[:1]
    until = now if required else _horizon(timestep, now)
    drawn = {seat: _draw(timestep, seat, rng) for seat in acting}
    return Turn(drawn, float(rng.uniform(now, until)))


def idly(timestep: TimeStep, now: float, rng: Generator) -> Turn:
    """Required seats play their defaults, optional ones nothing, so that games go on for long."""
    required = [seat for seat, request in timestep.requests.items() if request.required]
    if not required and timestep.wake is not None:
        return Turn({}, timestep.wake)
    acting = required or list(timestep.requests)
    return Turn({seat: _default_or_draw(timestep, seat, rng) for seat in acting}, now)


def play(
    watched: WatchedWorld,
    seed: int,
    options: Mapping[str, Any] | None,
    *,
    rng: Generator,
    policy: Policy,
    max_steps: int,
) -> Recording:
    """Play an episode from reset to end.

    Raises:
        EnvironmentContractError: A time step breaks a rule, what is listed as legal is refused, a
            default is refused, nothing legal was found, or the episode does not end.
    """
    timestep, now = watched.reset(seed, options), 0.0
    turns: list[Turn] = []
    while not timestep.over:
        if len(turns) == max_steps:
            raise watched.error(f"expected an end within {max_steps} steps, got none")
        turn, timestep = _take_turn(watched, timestep, now, rng=rng, policy=policy)
        turns.append(turn)
        now = turn.now
    return Recording(seed, options, tuple(turns), tuple(watched.plain))


def turn_by_turn(watched: WatchedWorld, recording: Recording) -> Iterator[tuple[TimeStep, Turn]]:
    """Play a recording again: each turn, and what the world said before it is taken.

    Raises:
        EnvironmentContractError: What was taken before is now refused.
    """
    timestep = watched.reset(recording.seed, recording.options)
    for turn in recording.turns:
        yield timestep, turn
        try:
            timestep = watched.step(turn.actions, turn.now)
        except IllegalAction as error:
            broken = f"the same actions must be taken again, got {turn.actions!r} refused"
            raise watched.error(f"{broken}: {error.message}") from error


def _take_turn(
    watched: WatchedWorld, timestep: TimeStep, now: float, *, rng: Generator, policy: Policy
) -> tuple[Turn, TimeStep]:
    """Draw turns until the world takes one; the last that is tried is made of defaults."""
    refused: list[Turn] = []
    for tries_left in reversed(range(_DRAWS + 1)):
        turn = (policy if tries_left else idly)(timestep, now, rng)
        try:
            follows = watched.step(turn.actions, turn.now)
        except IllegalAction as error:
            _check_refusal(watched, timestep, turn.actions, error)
            refused.append(turn)
        else:
            return Turn(turn.actions, turn.now, tuple(refused)), follows
    raise watched.error(f"expected a legal action in {_DRAWS} draws, got none; list what is legal")


def _check_refusal(
    watched: WatchedWorld, timestep: TimeStep, actions: Mapping[Seat, Any], error: IllegalAction
) -> None:
    """Check that the world has not refused what it said that it would take."""
    for seat in [error.seat] if error.seat in actions else list(actions):
        request, action = timestep.requests[seat], actions[seat]
        if action is request.default and action is not UNSET:
            raise watched.error(
                f"the default of {seat!r} must be taken, got {action!r} refused: {error.message}"
            ) from error
        if request.legal is None:
            return
    listed = error.seat or "every seat"
    raise watched.error(
        f"what is listed as legal must be taken, got {dict(actions)!r} of {listed!r} refused: "
        f"{error.message}"
    ) from error


def _horizon(timestep: TimeStep, now: float) -> float:
    deadlines = [request.deadline for request in timestep.requests.values()]
    times = [time for time in (timestep.wake, *deadlines) if time is not None]
    return max(now, min(times, default=now + 1.0))


def _draw(timestep: TimeStep, seat: Seat, rng: Generator) -> Any:
    request = timestep.requests[seat]
    return sample(request.space, rng, request.legal)


def _default_or_draw(timestep: TimeStep, seat: Seat, rng: Generator) -> Any:
    default = timestep.requests[seat].default
    return _draw(timestep, seat, rng) if default is UNSET else default
