"""Replay: a run once more from its effects, every digest compared with the record."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from simlab.actors import ActorSystem
from simlab.env.environment import ActionRequest, Seat
from simlab.sim.absent import absent_models
from simlab.sim.branching import branching_of
from simlab.sim.episode import Moment
from simlab.sim.past import Past, earlier_log, play_again
from simlab.sim.run import Run
from simlab.sim.staging import Staging
from simlab.sim.summary import compare_summary
from simlab.sim.troupe import Troupe
from simlab.trace.journal import RecordEnds


async def replay(run: Run, on_episode: Callable[[int], None] = lambda _number: None) -> int:
    """Play every recorded episode again with recorded effects; no model is asked.

    Args:
        run: Nothing in its directory is changed.
        on_episode: Called with the number of each episode that was the same to its end.

    Returns:
        How many episodes were compared; unfinished ones as far as they go.

    Raises:
        ReplayDivergence: An episode parts from its record; shows both sides.
        LogDamagedError: A segment or a content is damaged, and the message names segment and
            offset; or the log is not the one with which the run has ended.
    """
    staging, episodes = staging_of(run), run.log.episodes
    compare_summary(run.log)
    async with ActorSystem(hosts=0) as system:
        troupe = _troupe(system, staging)
        past = Past(staging, troupe)
        for episode in episodes:
            await past.relive(episode, lambda: run.log)
            with suppress(RecordEnds):  # unfinished: the same as far as it goes
                await play_again(staging, episode, run.log, troupe)
            on_episode(episode)
    for log in filter(None, (run.log, earlier_log(staging))):
        log.check_contents()
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

    staging = staging_of(run)
    async with ActorSystem(hosts=0) as system:
        troupe = _troupe(system, staging)
        await Past(staging, troupe).relive(episode, lambda: run.log)
        with suppress(RecordEnds):
            await play_again(staging, episode, run.log, troupe, look)
    return found


def staging_of(run: Run) -> Staging:
    """What is played again; every answer comes from the record."""
    branching = branching_of(run.record)
    return Staging(
        run.file,
        run.path,
        models=absent_models(run.file.models),
        branching=branching,
        models_before=tuple(
            absent_models(fork.before.models) for fork in (branching.forks if branching else ())
        ),
    )


def _troupe(system: ActorSystem, staging: Staging) -> Troupe:
    return Troupe(system.driver, keeps_perceived=staging.branching is not None)
