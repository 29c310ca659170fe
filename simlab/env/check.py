"""A check that a world keeps to the contract of `Environment`; run it on every world you write.

::

    def test_my_world_keeps_the_contract():
        check_environment(MyWorld)

What public suites miss is checked over whole episodes: chance from the second step on, state that
outlives a reset, buffers handed out twice, moves that are taken though illegal, limits reported as
wins (see ``tests/env/test_check.py``, where a wrong world of each kind is caught).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator

from simlab.env.contract import (
    EnvironmentContractError,
    WatchedWorld,
    difference,
    global_generators_restored,
    move_global_generators,
)
from simlab.env.environment import ActionRequest, Environment, Seat, TimeStep
from simlab.env.rollout import Recording, Turn, at_random, idly, play, turn_by_turn
from simlab.env.spaces import is_legal, sample
from simlab.errors import IllegalAction
from simlab.seeding import derive

__all__ = ["EnvironmentContractError", "check_environment"]

_DRAWS = 20


def check_environment(
    make: Callable[[], Environment],
    *,
    episodes: int = 2,
    limit: int | None = None,
    max_steps: int = 10_000,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Play whole episodes at random and check everything that the contract promises.

    The rules: time steps name seats of the world only, rewards are finite, seats that have ended
    are neither asked nor rewarded, everything can be written as JSON, defaults and what is listed
    as legal are taken, no time lies in the past, and where nobody must act a time is set. Nothing
    but `IllegalAction` is raised, and the options of a reset stay as they are. The same seed and
    actions give the same time steps on a fresh world, on one that was used before, beside another
    world, and with the global generators moved. What was handed out never changes. Actions that are
    not legal raise `IllegalAction` and change nothing. A declared limit is reported as
    ``truncated``. World time is simulated: no clock is needed.

    Args:
        make: Makes a new world, the same each time.
        episodes: How many seeds are played.
        limit: The number of steps after which the world truncates an episode by itself.
        max_steps: An episode that has not ended by then counts as endless.
        options: For every `reset`.

    Raises:
        EnvironmentContractError: A rule is broken; names it, the step, expected and got.
    """
    with global_generators_restored():
        check = _Check(make, options, max_steps)
        for episode in range(episodes):
            check.episode(derive(0, "check", episode))
        if limit is not None:
            check.limit(limit, episodes)


class _Check:
    """One check of one world: how to make it, and how to play it."""

    def __init__(
        self,
        make: Callable[[], Environment],
        options: Mapping[str, Any] | None,
        max_steps: int,
    ) -> None:
        self._make = make
        self._options = options
        self._max_steps = max_steps

    def episode(self, seed: int) -> None:
        """Play an episode, then play it again in every way that must make no difference."""
        watched = WatchedWorld(self._make())
        recording = self._play(watched, seed)
        watched.check_kept()
        self._check_fresh(recording)
        self._check_reused(watched, recording)
        self._check_beside_another(recording)
        self._check_refusals(recording)

    def limit(self, limit: int, episodes: int) -> None:
        """Check that episodes that reach the limit are truncated there."""
        watched = WatchedWorld(self._make())
        seeds = [derive(0, "limit", episode) for episode in range(1 + episodes)]
        played = [self._play(watched, seed, idle=seed == seeds[0]) for seed in seeds]
        longest = max(len(recording.turns) for recording in played)
        if longest != limit:
            raise watched.error(
                f"expected the longest episode to have {limit} steps, got {longest}"
            )
        ends = [end.plain[-1]["ended"] for end in played if len(end.turns) == limit]
        if not any("truncated" in ended.values() for ended in ends):
            rule = f"an episode that reaches the limit of {limit} steps must be 'truncated'"
            raise watched.error(f"{rule}, got {ends[0]!r}")

    def _play(self, watched: WatchedWorld, seed: int, *, idle: bool = False) -> Recording:
        return play(
            watched,
            seed,
            self._options,
            rng=np.random.default_rng(seed),
            policy=idly if idle else at_random,
            max_steps=self._max_steps,
        )

    def _check_fresh(self, recording: Recording) -> None:
        rule = "the same seed and actions must give the same time steps"
        _repeat(WatchedWorld(self._make()), recording, rule)

    def _check_reused(self, watched: WatchedWorld, recording: Recording) -> None:
        """Reset amid an episode, and again after one of another seed has ended."""
        half = iter(turn_by_turn(watched, recording))
        for _ in range(1 + len(recording.turns) // 2):
            next(half, None)
        self._play(watched, derive(recording.seed, "another"))
        _repeat(watched, recording, "reset() must leave nothing behind of earlier episodes")

    def _check_beside_another(self, recording: Recording) -> None:
        """A twin plays another seed at the same time, and the global generators are moved."""
        disturbance = self._disturb(derive(recording.seed, "twin"))
        rule = "other worlds and global generators must make no difference"
        watched = WatchedWorld(self._make())
        next(disturbance)
        _repeat(watched, recording, rule, lambda _timestep, _turn: next(disturbance))

    def _disturb(self, seed: int) -> Iterator[None]:
        """Step a twin and move the global generators, again and again."""
        twin = WatchedWorld(self._make())
        while True:
            recording = self._play(WatchedWorld(self._make()), seed)
            for number, _ in enumerate(turn_by_turn(twin, recording)):
                move_global_generators(derive(seed, number))
                yield
            seed = derive(seed, "next")

    def _check_refusals(self, recording: Recording) -> None:
        watched = WatchedWorld(self._make())
        rng = np.random.default_rng(recording.seed)

        def intrude(timestep: TimeStep, turn: Turn) -> None:
            for illegal in _illegal(timestep, turn, tuple(watched.world.seats), rng):
                _check_refused(watched, illegal)

        _repeat(watched, recording, "a refused action must leave the state as it was", intrude)


def _repeat(
    watched: WatchedWorld,
    recording: Recording,
    rule: str,
    before_each: Callable[[TimeStep, Turn], None] = lambda _timestep, _turn: None,
) -> None:
    """Play a recording again and compare each time step; `before_each` runs before each turn."""
    for timestep, turn in turn_by_turn(watched, recording):
        _compare(watched, recording, rule)
        before_each(timestep, turn)
    _compare(watched, recording, rule)


def _compare(watched: WatchedWorld, recording: Recording, rule: str) -> None:
    """Compare the last time step with the recorded one."""
    number = len(watched.plain) - 1
    if part := difference(recording.plain[number], watched.plain[number]):
        raise watched.error(f"{rule}: {part}")


def _check_refused(watched: WatchedWorld, turn: Turn) -> None:
    try:
        watched.world.step(turn.actions, turn.now)
    except IllegalAction:
        return
    except Exception as error:
        expected = f"expected IllegalAction for {turn.actions!r}"
        raise watched.error(f"{expected}, got {error!r}") from error
    raise watched.error(f"expected IllegalAction for {turn.actions!r}, got them taken")


class _Alien:
    """A value that is no action of any space."""

    def __repr__(self) -> str:
        return "<a value of no space>"


def _illegal(
    timestep: TimeStep, turn: Turn, seats: tuple[Seat, ...], rng: Generator
) -> Iterator[Turn]:
    """Turns that the world must refuse, each of them `turn` with one thing wrong."""
    yield from turn.refused
    for seat in (*seats, "no such seat"):
        if seat not in timestep.requests:
            yield replace(turn, actions={**turn.actions, seat: _Alien()})
    for seat in turn.actions:
        request = timestep.requests[seat]
        if request.required and timestep.wake is None:
            others = {other: turn.actions[other] for other in turn.actions if other != seat}
            yield replace(turn, actions=others)
        for action in _unfit(request, rng):
            yield replace(turn, actions={**turn.actions, seat: action})


def _unfit(request: ActionRequest, rng: Generator) -> Iterator[Any]:
    """Something outside the space, and something of the space that is not legal now."""
    alien = _Alien()
    if not is_legal(request, alien):
        yield alien
    if request.legal is None:
        return
    drawn = (sample(request.space, rng) for _ in range(_DRAWS))
    yield from [action for action in drawn if not is_legal(request, action)][:1]
