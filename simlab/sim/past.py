"""The past: what the persistent agents of a run have lived through before an episode."""

from collections.abc import Callable, Iterable

from simlab.errors import RunDirectoryError
from simlab.sim.performance import OnStep, Performance
from simlab.sim.staging import Staging
from simlab.sim.troupe import Troupe
from simlab.trace.directory import RunDirectory
from simlab.trace.journal import Journal
from simlab.trace.log import Log

EARLIER = "earlier"
"""In the directory of a branch: a run with the episodes that its persistent agents remember."""


class Past:
    """What a troupe's persistent agents have lived through, and how they come to remember it.

    What an agent remembers follows from the episodes that it has lived, in their order. An episode
    that it took part in elsewhere, before its host died or the run was resumed or branched, is
    played to it again with its recorded effects: no model is asked, and no snapshot is kept.

    Args:
        staging: What is run.
        troupe: Whose agents these are.
    """

    def __init__(self, staging: Staging, troupe: Troupe) -> None:
        self._staging = staging
        self._troupe = troupe
        self._n_lived = 0

    async def relive(self, episode: int, read: Callable[[], Log]) -> None:
        """Bring the persistent agents to where they stood before an episode, which is to follow.

        The episodes of a branch are all continuations of one beginning, so none remembers another:
        before each of them the agents are made anew.

        Args:
            episode: Its number.
            read: Gives the run's log as it is now; called only if it is needed.

        Raises:
            ReplayDivergence: An earlier episode parts from its record.
            LogDamagedError: A record is damaged.
            RunDirectoryError: A branch lacks earlier episodes.
        """
        if not self._staging.persistent:
            return
        if self._staging.branching is None:
            assert self._n_lived <= episode, "episodes that agents remember are played in order"
            missed = range(self._n_lived, episode)
            self._n_lived = episode + 1
            if missed:
                await self._play_again(missed, read())
        else:
            await self._troupe.disband()
            log = earlier_log(self._staging)
            if log is not None:
                await self._play_again(log.episodes, log)

    async def _play_again(self, episodes: Iterable[int], log: Log) -> None:
        for episode in episodes:
            await play_again(self._staging.origin, episode, log, self._troupe)


async def play_again(
    staging: Staging, episode: int, log: Log, troupe: Troupe, on_step: OnStep | None = None
) -> None:
    """Play an episode with its recorded effects, and compare it with its record.

    Raises:
        ReplayDivergence: It parts from the record.
        RecordEnds: The record ends before the episode does.
    """
    journal = Journal(
        episode, seed=staging.seed_of(episode), writer=None, history=log.history(episode)
    )
    await Performance(staging, journal, troupe).run(on_step)


def earlier_log(staging: Staging) -> Log | None:
    """The episodes that a branch's persistent agents remember, or None if there are none.

    Raises:
        RunDirectoryError: They are not all there.
    """
    n_episodes = 0 if staging.branching is None else staging.branching.n_earlier
    if not n_episodes:
        return None
    path = staging.directory / EARLIER
    log = Log(RunDirectory.open(path))
    if log.ended() != set(range(n_episodes)):
        raise RunDirectoryError(
            f"{path} must hold episodes 0..{n_episodes - 1} to their end, got "
            f"{sorted(log.ended())}; the branch was cut off while it was made, make it again"
        )
    return log
