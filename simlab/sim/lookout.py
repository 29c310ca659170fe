"""The lookout: has an agent as it was at a step of an episode, from a replay up to there."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from simlab.actors import ActorRef, Host
from simlab.agents.actor import AgentActor, BeginEpisode, TakeTurn
from simlab.agents.agent import Agent
from simlab.env.environment import Seat
from simlab.errors import ConfigError
from simlab.find import near
from simlab.sim.episode import Moment
from simlab.sim.past import Past, play_again
from simlab.sim.staging import Staging
from simlab.sim.troupe import Troupe
from simlab.trace.journal import Journal, RecordEnds
from simlab.trace.log import Log


@dataclass(frozen=True, slots=True)
class Post:
    """Where an agent is looked out for.

    Attributes:
        episode: Of which episode.
        step: When it has perceived what it does before it acts in this step, and has not acted.
        seat: Where it sits.
    """

    episode: int
    step: int
    seat: Seat


async def agent_at(host: Host, staging: Staging, log: Log, post: Post) -> Agent:
    """The agent that was in a seat, just as it was at a step; from now on it is nobody else's.

    Args:
        host: Where the episode is played again.
        staging: What was run; its models are not asked.
        log: Its record, to which nothing is added.
        post: Which agent, and when; where the record ends before, as it was then.

    Raises:
        ConfigError: Nobody sits there.
        ReplayDivergence: The episode parts from its record.
    """
    lookout = _Lookout(host, post, keeps_perceived=staging.branching is not None)
    await Past(staging, lookout).relive(post.episode, lambda: log)
    playing = asyncio.create_task(play_again(staging, post.episode, log, lookout, lookout.on_step))
    lookout.playing = playing
    try:
        await asyncio.wait([playing])
    finally:
        playing.cancel()
    if not playing.cancelled():
        with suppress(RecordEnds):
            playing.result()
    if post.seat not in lookout.agents:
        known = near(post.seat, sorted(lookout.agents))
        raise ConfigError(f"nobody sits in seat {post.seat!r} of episode {post.episode}; {known}")
    return lookout.agents[post.seat]


class _Lookout(Troupe):
    """A troupe that knows its agents, and ends the replay when one is where it is wanted."""

    def __init__(self, host: Host, post: Post, *, keeps_perceived: bool) -> None:
        super().__init__(host, keeps_perceived=keeps_perceived)
        self.agents: dict[Seat, Agent] = {}
        """Who sat in each seat last."""
        self.playing: asyncio.Task[Any] | None = None
        """The replay, once it is that of the episode and not of those before it."""
        self._post = post

    async def on_step(self, moment: Moment) -> None:
        """End the replay behind the step, for a seat that was not asked in it."""
        if moment.n_steps > self._post.step:
            raise RecordEnds

    def is_there(self, seat: Seat, message: TakeTurn) -> bool:
        """Whether a seat that is to act is the one, and has come to the step."""
        is_due = message.request is not None and message.step >= self._post.step
        return self.playing is not None and seat == self._post.seat and is_due

    def end(self) -> None:
        """End the replay: others may wait for what the agent is not let do any more."""
        assert self.playing is not None, "it is there"
        self.playing.cancel()

    def _spawn(
        self, agent: Agent, seat: Seat, journal: Journal | None, *, name: str, label: str = ""
    ) -> ActorRef:
        self.agents[seat] = agent
        return self._host.spawn(_Watched, agent, seat, journal, label, self, name=name)


class _Watched(AgentActor):
    """An agent in a seat that may be the one: then it perceives, and does not act."""

    def __init__(
        self, agent: Agent, seat: Seat, journal: Journal | None, label: str, lookout: _Lookout
    ) -> None:
        super().__init__(agent, seat, journal, label)
        self._lookout = lookout

    async def receive(self, message: TakeTurn | BeginEpisode) -> Any:
        """See `AgentActor.receive`."""
        if isinstance(message, BeginEpisode) or not self._lookout.is_there(self._seat, message):
            return await super().receive(message)
        await super().receive(replace(message, request=None, later=()))
        self._lookout.end()
        return None  # to nobody: who has asked is cancelled
