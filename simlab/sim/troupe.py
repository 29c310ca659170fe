"""A troupe: the agents of a run on one host."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from simlab.actors import ActorRef, Host
from simlab.agents.actor import AgentActor, BeginEpisode
from simlab.agents.agent import Agent
from simlab.env.environment import Seat
from simlab.errors import ActorStoppedError
from simlab.trace.journal import Journal


class Troupe:
    """The agents of a run on one host: those of an episode, and those that live across episodes.

    An agent that lives across episodes is one actor under one address, ``agent/SEAT``. Episodes
    that cast it must come one after another.

    Args:
        host: Where they live.
        keeps_perceived: True: what the seats of persistent agents perceive is kept, for those who
            take them over in a branch.
    """

    def __init__(self, host: Host, *, keeps_perceived: bool = False) -> None:
        self.perceived: dict[Seat, list[Any]] = {}
        """What these seats have perceived over all episodes, if it is kept; casts add to it."""
        self._host = host
        self._keeps_perceived = keeps_perceived
        self._persistent: dict[Seat, ActorRef] = {}

    def engage(
        self, agent: Agent, seat: Seat, journal: Journal, *, name: str, label: str = ""
    ) -> ActorRef:
        """Seat an agent for one episode, until it is dismissed.

        Args:
            agent: Who.
            seat: Where.
            journal: Of the episode.
            name: Of its actor.
            label: Ends the names of its parts.
        """
        return self._spawn(agent, seat, journal, name=name, label=label)

    async def engage_persistent(
        self, make: Callable[[], Agent], seat: Seat, journal: Journal
    ) -> ActorRef:
        """Seat the agent that lives across episodes, who is made when it is seated first.

        Args:
            make: Makes it.
            seat: Where.
            journal: Of the episode that begins, lent to the agent until the next one does.
        """
        if seat not in self._persistent:
            self._persistent[seat] = self._spawn(make(), seat, None, name=f"agent/{seat}")
            if self._keeps_perceived:
                self.perceived[seat] = []
        ref = self._persistent[seat]
        await ref.ask(BeginEpisode(journal))
        return ref

    async def dismiss(self, name: str) -> None:
        """Stop an agent's actor."""
        with suppress(ActorStoppedError):  # a host that closes has stopped it already
            await self._host.stop(name)

    async def disband(self) -> None:
        """Stop the agents that live across episodes; whoever is seated next is made anew."""
        for ref in self._persistent.values():
            await self.dismiss(ref.name)
        self._persistent.clear()
        self.perceived.clear()

    def _spawn(
        self, agent: Agent, seat: Seat, journal: Journal | None, *, name: str, label: str = ""
    ) -> ActorRef:
        return self._host.spawn(AgentActor, agent, seat, journal, label, name=name)
