"""Replay: a run once more from its effects, every digest compared with the record."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from simlab.actors import ActorSystem, Host
from simlab.env.environment import ActionRequest, Seat
from simlab.models.model import Model
from simlab.sim.absent import AbsentModel
from simlab.sim.branching import branching_of
from simlab.sim.config import RunFile
from simlab.sim.episode import Moment
from simlab.sim.performance import Performance
from simlab.sim.run import Run
from simlab.sim.staging import Staging
from simlab.trace.journal import Journal, RecordEnds


async def replay(run: Run, on_episode: Callable[[int], None] = lambda _number: None) -> int:
    """Play every recorded episode again with recorded effects; no model is asked.

    Args:
        run: Nothing in its directory is changed.
        on_episode: Called with the number of each episode that was the same to its end.

    Returns:
        How many episodes were compared; unfinished ones as far as they go.

    Raises:
        ReplayDivergence: An episode parts from its record; shows both sides.
        LogDamagedError: A segment or a content is damaged; names segment and offset.
    """
    staging, episodes = _staging_of(run), run.log.episodes
    async with ActorSystem(hosts=0) as system:
        for episode in episodes:
            with suppress(RecordEnds):  # unfinished: the same as far as it goes
                await _performance(run, staging, episode, system.driver).run()
            on_episode(episode)
    run.log.check_contents()
    return len(episodes)


async def requests_at(run: Run, episode: int, step: int) -> Mapping[Seat, ActionRequest]:
    """What is asked at a step, as the world asked it: the episode is replayed up to there.

    Args:
        run: Nothing in its directory is changed.
        episode: One that is recorded.
        step: At most the number of its steps.

    Raises:
        ReplayDivergence: The episode parts from its record before.
    """
    found: dict[Seat, ActionRequest] = {}

    async def look(moment: Moment) -> None:
        if moment.n_steps == step:
            found.update(moment.timestep.requests)
            raise RecordEnds

    async with ActorSystem(hosts=0) as system:
        with suppress(RecordEnds):
            await _performance(run, _staging_of(run), episode, system.driver).run(look)
    return found


def _staging_of(run: Run) -> Staging:
    """What is played again; every answer comes from the record."""
    branching = branching_of(run.directory.read_run())
    return Staging(
        run.file,
        run.path,
        models=_absent(run.file),
        branching=branching,
        models_before=tuple(_absent(f.before) for f in branching.forks) if branching else (),
    )


def _performance(run: Run, staging: Staging, episode: int, host: Host) -> Performance:
    """An episode that meets its record and goes no further."""
    seed, history = staging.seed_of(episode), run.log.history(episode)
    journal = Journal(episode, seed=seed, writer=None, history=history)
    return Performance(staging, journal, host)


def _absent(file: RunFile) -> dict[str, Model]:
    return {name: AbsentModel(name) for name in file.models}
