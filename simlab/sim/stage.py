"""The stage: plays episodes on one host, many at a time, all into one segment."""

import asyncio

from simlab.actors import Actor
from simlab.sim.episode import Moment
from simlab.sim.garbage import begin_play, end_play
from simlab.sim.modelling import furnished
from simlab.sim.performance import Performance
from simlab.sim.staging import EpisodeResult, ListCalls, PlayEpisode, Staging, StepNews, mark_of
from simlab.trace.directory import RunDirectory
from simlab.trace.history import History
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.plain import plain
from simlab.trace.trajectory import words
from simlab.trace.writer import SegmentWriter


class Stage(Actor):
    """Plays episodes on one host; asked to `PlayEpisode`, it answers when the episode has ended.

    Asked to `ListCalls`, it answers at once.

    Args:
        staging: What is run.
    """

    _writer: SegmentWriter

    def __init__(self, staging: Staging) -> None:
        self._staging = furnished(staging)
        self._directory = RunDirectory(staging.directory)
        self._log: Log | None = None
        self._live: dict[int, Journal] = {}

    def started(self) -> None:
        """Open the segment of this host in this epoch."""
        segment = self._directory.segment(self.host.epoch)
        self._writer = SegmentWriter(segment.path, seal=segment.seal)
        begin_play()

    def receive(
        self, message: PlayEpisode | ListCalls
    ) -> "asyncio.Future[EpisodeResult] | list[str]":
        """Begin an episode, or tell what the live ones wait for."""
        if isinstance(message, PlayEpisode):
            return asyncio.ensure_future(self._play(message))
        return [
            f"episode {episode}, {call}"
            for episode, journal in sorted(self._live.items())
            for call in journal.calls_under_way()
        ]

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
            if message.watched and self._staging.news is not None:
                await self._staging.news.tell(_news(message.episode, moment))

        self._live[message.episode] = journal
        try:
            return await Performance(self._staging, journal, self.host).run(tell)
        finally:
            del self._live[message.episode]

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
