"""The stage: plays episodes on one host, many at a time, all into one segment."""

import asyncio
from typing import Any

from simlab.actors import Actor
from simlab.errors import HostKilledError
from simlab.sim.control.board import Board
from simlab.sim.control.commanding import commanded
from simlab.sim.control.desk import Desk
from simlab.sim.control.messages import Command
from simlab.sim.episode import Moment
from simlab.sim.garbage import begin_play, end_play
from simlab.sim.modelling import furnished
from simlab.sim.past import Past
from simlab.sim.performance import Performance
from simlab.sim.staging import EpisodeResult, ListCalls, PlayEpisode, Staging, StepNews, mark_of
from simlab.sim.troupe import Troupe
from simlab.trace.directory import RunDirectory
from simlab.trace.history import History
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.plain import plain
from simlab.trace.trajectory import words
from simlab.trace.writer import SegmentWriter

KILLS_ITS_HOST = (
    "its host died whenever the episode went on from here, at last twice with no other on it; "
    "see whether an agent, a judge or the world ends the process or blocks it for long"
)
"""Why an episode is given up; the same words wherever and however often it was tried."""


class Stage(Actor):
    """Plays episodes on one host; asked to `PlayEpisode`, it answers when the episode has ended.

    Asked to `ListCalls`, it answers at once. Agents that live across episodes stop with it.

    Args:
        staging: What is run.
    """

    _writer: SegmentWriter
    _troupe: Troupe
    _past: Past

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._directory = RunDirectory(staging.directory)
        self._log: Log | None = None
        self._live: dict[int, Journal] = {}
        self._desks: dict[int, asyncio.Future[Desk]] = {}
        self._board: Board | None = None

    def started(self) -> None:
        """Open the segment of this host in this epoch."""
        segment = self._directory.segment(self.host.epoch)
        self._writer = SegmentWriter(segment.path, seal=segment.seal)
        if self._staging.board is not None:
            self._board = Board(self._staging.board, self.host.name, self.host.epoch)
        self._staging = furnished(self._staging, self._board)
        self._troupe = Troupe(self.host, keeps_perceived=self._staging.branching is not None)
        self._past = Past(self._staging, self._troupe)
        begin_play()

    def receive(
        self, message: "PlayEpisode | ListCalls | Command"
    ) -> "asyncio.Future[Any] | list[str]":
        """Begin an episode, tell what the live ones wait for, or command one."""
        if isinstance(message, PlayEpisode):
            self._desks[message.episode] = asyncio.get_running_loop().create_future()
            return asyncio.ensure_future(self._play(message))
        if not isinstance(message, ListCalls):
            return asyncio.ensure_future(commanded(message, self._desks, self._board))
        return [
            f"episode {episode}, {call}"
            for episode, journal in sorted(self._live.items())
            for call in journal.calls.in_words()
        ]

    async def stopped(self) -> None:
        """Let go of the agents that are still here, and write what is left."""
        await self._troupe.disband()
        end_play()
        self._writer.close()

    async def _play(self, message: PlayEpisode) -> EpisodeResult:
        """Play an episode, which can be commanded from the moment at which it was asked for."""
        try:
            return await self._play_commanded(message)
        finally:
            desk = self._desks.pop(message.episode)
            if not desk.cancel():
                desk.result().end()

    async def _play_commanded(self, message: PlayEpisode) -> EpisodeResult:
        await self._past.relive(message.episode, self._read)
        journal = Journal(
            message.episode,
            seed=self._staging.seed_of(message.episode),
            sampling_seed=self._staging.sampling_seed_of(message.episode),
            writer=self._writer,
            history=self._history(message) if message.resumed else None,
            given_up=HostKilledError(KILLS_ITS_HOST) if message.given_up else None,
        )

        async def tell(moment: Moment) -> None:
            if message.watched and moment.n_steps and self._staging.news is not None:
                await self._staging.news.tell(_news(message.episode, moment))

        self._live[message.episode] = journal
        desk = Desk(journal, orders=message.orders, paused=message.paused)
        self._desks[message.episode].set_result(desk)
        performance = Performance(
            self._staging, journal, self._troupe, desk=desk, board=self._board
        )
        try:
            return await performance.run(tell)
        finally:
            del self._live[message.episode]

    def _history(self, message: PlayEpisode) -> History:
        """What is recorded of an episode."""
        history = self._read().history(message.episode)
        return history.without_end() if message.retried else history

    def _read(self) -> Log:
        """The run's log as it is now; only what has come since the last time is read."""
        if self._log is None:
            self._log = Log(self._directory)
        else:
            self._log.refresh()
        return self._log


def _news(episode: int, moment: Moment) -> StepNews:
    acted = [act.record(seat, plain) for seat, act in sorted(moment.acts.items())]
    lines = tuple((act.seat, words(act.action), mark_of(act)) for act in acted)
    return StepNews(episode, moment.n_steps - 1, lines, moment.now)
