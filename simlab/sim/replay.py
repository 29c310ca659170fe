"""Replay: a run once more from its effects, every digest compared with the record."""

from collections.abc import Callable
from contextlib import suppress

from simlab.actors import ActorSystem
from simlab.models.model import Model
from simlab.sim.absent import AbsentModel
from simlab.sim.branching import branching_of
from simlab.sim.config import RunFile
from simlab.sim.past import Past, earlier_log, play_again
from simlab.sim.run import Run
from simlab.sim.staging import Staging
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
        LogDamagedError: A segment or a content is damaged; names segment and offset.
    """
    branching = branching_of(run.directory.read_run())
    staging = Staging(
        run.file,
        run.path,
        models=_absent(run.file),
        branching=branching,
        models_before=tuple(_absent(f.before) for f in branching.forks) if branching else (),
    )
    episodes = run.log.episodes
    async with ActorSystem(hosts=0) as system:
        troupe = Troupe(system.driver, keeps_perceived=branching is not None)
        past = Past(staging, troupe)
        for episode in episodes:
            await past.relive(episode, lambda: run.log)
            with suppress(RecordEnds):  # unfinished: the same as far as it goes
                await play_again(staging, episode, run.log, troupe)
            on_episode(episode)
    for log in filter(None, (run.log, earlier_log(staging))):
        log.check_contents()
    return len(episodes)


def _absent(file: RunFile) -> dict[str, Model]:
    return {name: AbsentModel(name) for name in file.models}
