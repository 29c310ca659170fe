"""THE loop: one episode, from reset to its end."""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from simlab.env.environment import Environment, Seat, TimeStep
from simlab.env.form import malformed
from simlab.errors import EpisodeError, IllegalAction, WorldFailedError
from simlab.sim.act import Act
from simlab.sim.cast import Cast
from simlab.sim.clock import Clock
from simlab.sim.control.desk import Desk
from simlab.stray import Boundary
from simlab.trace.events import SteppedCore
from simlab.trace.journal import Journal


@dataclass(frozen=True, slots=True)
class Moment:
    """Where an episode stands.

    Attributes:
        n_steps: Steps taken so far; 0 after the reset.
        now: World time in seconds.
        acts: What was done in the last step, by seat.
        timestep: What the world said of it.
    """

    n_steps: int
    now: float
    acts: Mapping[Seat, Act]
    timestep: TimeStep


async def play(
    world: Environment,
    cast: Cast,
    clock: Clock,
    journal: Journal,
    *,
    options: Mapping[str, Any] | None = None,
    desk: Desk | None = None,
) -> AsyncIterator[Moment]:
    """Play an episode to its end.

    Reset; then, while the world has requests: gather what the seats do, step, commit, and only then
    let anyone see what follows. Replay, resume and branch are this loop with a journal that has
    records to meet.

    Args:
        world: Its rules.
        cast: Who sits where.
        clock: Decides when an action arrives, and holds the world's time.
        journal: Meets and writes the episode's records; its seed is the episode's.
        options: Of the reset.
        desk: Where commands come in; None for one that none reach.

    Yields:
        The moment after the reset, and after each step, once it is committed.

    Raises:
        EpisodeError: The episode fails; says at which boundary.
        ReplayDivergence: The episode parts from its record.
    """
    desk = desk or Desk(journal)
    timestep = _said(world, lambda: world.reset(journal.seed, options))
    await journal.begin(journal.plain(timestep))
    yield Moment(0, clock.now, {}, timestep)
    for step in itertools.count():
        if timestep.over:
            await clock.finish(step, timestep, cast)
            return
        desk.moment = step, timestep
        if desk.busy:
            await desk.open()
        acts = await _gather(step, timestep, cast, clock)
        timestep = await _step(world, cast, clock, (step, timestep, acts))
        if desk.busy:
            await desk.close()
        desk.moment = None
        acted = [act.record(seat, journal.plain) for seat, act in sorted(acts.items())]
        await journal.step(
            SteppedCore(step, journal.plain(clock.now), acted, journal.plain(timestep))
        )
        yield Moment(step + 1, clock.now, acts, timestep)


async def _gather(step: int, timestep: TimeStep, cast: Cast, clock: Clock) -> dict[Seat, Act]:
    """What the seats do; where somebody has put in an action, the step waits for no optional one.

    A seat for which one is put in is asked nothing, and stops what it is at.
    """
    edited = cast.edited(step, timestep.requests)
    if not edited:
        return await clock.gather(step, timestep, cast)
    others = {seat: asked for seat, asked in timestep.requests.items() if seat not in edited}
    at_once = replace(timestep, requests=others, wake=clock.now)
    return await clock.gather(step, at_once, cast) | edited


async def _step(
    world: Environment, cast: Cast, clock: Clock, at: tuple[int, TimeStep, dict[Seat, Act]]
) -> TimeStep:
    """Step the world; a seat whose action it refuses is asked again, which changes `acts`."""
    step, timestep, acts = at
    while True:
        actions = {seat: acts[seat].action for seat in sorted(acts)}
        try:
            return _said(world, lambda: world.step(actions, clock.now))  # noqa: B023 - at once
        except IllegalAction as error:
            seat = error.seat or next(iter(actions), "")
            if seat not in acts:
                raise WorldFailedError(
                    f"the world refuses an action of {seat!r}, who has not acted: {error.message}"
                ) from error
            request = timestep.requests[seat]
            again = await cast.ask_again(seat, step, request, acts[seat], error.message)
            if isinstance(again, Act):
                acts[seat] = again
            else:
                del acts[seat]


def _said(world: Environment, call: Callable[[], TimeStep]) -> TimeStep:
    """What a world says; an error of its own, and a wrong form, become the episode's failure."""
    with Boundary("the world", WorldFailedError, (EpisodeError,)):
        timestep = call()
        broken = malformed(timestep, world.seats)
    if broken is not None:
        name = type(world).__name__
        raise WorldFailedError(f"the time step of {name} has the wrong form: {broken}")
    return timestep
