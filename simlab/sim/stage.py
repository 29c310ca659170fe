"""The stage: plays episodes on one host, many at a time, all into one segment."""

import asyncio

from simlab.actors import Actor
from simlab.sim.episode import Moment
from simlab.sim.garbage import begin_play, end_play
from simlab.sim.performance import Performance
from simlab.sim.staging import EpisodeResult, PlayEpisode, Staging, StepNews, mark_of
from simlab.trace.directory import RunDirectory
from simlab.trace.history import History
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.plain import plain
from simlab.trace.trajectory import words
from simlab.trace.writer import SegmentWriter


class Stage(Actor):
    """Plays episodes on one host; asked to `PlayEpisode`, it answers when the episode has ended.

    Args:
        staging: What is run.
    """

    _writer: SegmentWriter

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._directory = RunDirectory(staging.directory)
        self._log: Log | None = None

    def started(self) -> None:
        """Open the segment of this host in this epoch."""
        segment = self._directory.segment(self.host.epoch)
        self._writer = SegmentWriter(segment.path, seal=segment.seal)
        begin_play()

    def receive(self, message: PlayEpisode) -> asyncio.Future[EpisodeResult]:
        """Begin an episode."""
        return asyncio.ensure_future(self._play(message))

    def stopped(self) -> None:
        """Write what is left."""
        end_play()
        self._writer.close()

    async def _play(self, message: PlayEpisode) -> EpisodeResult:
        journal = Journal(
            message.episode,
            seed=self._staging.seed_of(message.episode),
            sampling_seed=self._staging.sampling_seed_of(message.episode),
            writer=self._writer,
            history=self._history(message) if message.resumed else None,
        )

        async def tell(moment: Moment) -> None:
            if message.watched and moment.n_steps and self._staging.news is not None:
                await self._staging.news.tell(_news(message.episode, moment))

        return await Performance(self._staging, journal, self.host).run(tell)

    def _history(self, message: PlayEpisode) -> History:
        """What is recorded of an episode; only what has come since the last time is read."""
        if self._log is None:
            self._log = Log(self._directory)
        else:
            self._log.refresh()
        history = self._log.history(message.episode)
        return history.without_end() if message.retried else history


def _news(episode: int, moment: Moment) -> StepNews:
    acted = [act.record(seat, plain) for seat, act in sorted(moment.acts.items())]
    lines = tuple((act.seat, words(act.action), mark_of(act)) for act in acted)
    return StepNews(episode, moment.n_steps - 1, lines, moment.now)
