"""The actor in which an agent takes its seat."""

import asyncio
from dataclasses import dataclass
from typing import Any

from simlab.actors import Actor
from simlab.agents.agent import Agent
from simlab.env.environment import ActionRequest
from simlab.errors import AgentFailedError, SimlabError
from simlab.stray import Boundary
from simlab.trace.call import ACT
from simlab.trace.journal import Journal, RecordEnds
from simlab.trace.tracing import span, turn

ATTEMPTS = 3
"""How often a seat is asked for an answer that fits before its default is played."""


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """Perceive, and answer if something is asked.

    Attributes:
        step: Number of the episode's step.
        observations: What is perceived, in order.
        request: What is asked, or None.
        past: What the seat perceived before, where the agent is new in it; perceived first, in a
            part of its own, by which its effects are keyed.
        later: What was perceived since this was asked of another, and is to be after the answer.
    """

    step: int
    observations: tuple[Any, ...] = ()
    request: ActionRequest | None = None
    past: tuple[Any, ...] = ()
    later: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class BeginEpisode:
    """Take your seat in another episode, remembering what was before; stays within the host.

    Attributes:
        journal: Lent by the episode; what the agent does from now on is recorded there.
    """

    journal: Journal


class AgentActor(Actor):
    """An agent in a seat; the answer to `TakeTurn` is the agent's action.

    Args:
        agent: Whose turns these are.
        seat: Where it sits; its effects and spans bear this name.
        journal: Of the episode; None for an agent whose turns are recorded by those who ask it, or
            that will be told when an episode begins.
        label: Ends the names of its parts, where others of its seat may have the same.
    """

    def __init__(self, agent: Agent, seat: str, journal: Journal | None, label: str = "") -> None:
        self._agent = agent
        self._seat = seat
        self._label = label
        self._journal = journal
        self._boundary = Boundary(
            f"the agent in seat {seat!r}", AgentFailedError, (SimlabError, RecordEnds)
        )

    async def receive(self, message: TakeTurn | BeginEpisode) -> Any:
        """Perceive, then act; or begin another episode.

        Raises:
            UnfitAnswerError: The answer does not fit; the seat is to be asked again.
            AgentFailedError: The agent raised something of its own, which is its cause.
        """
        if isinstance(message, BeginEpisode):
            self._journal = message.journal
            return None
        with self._boundary:
            if message.past:
                await self._observe(message.step, "rebuild", message.past)
            if message.observations:
                await self._observe(message.step, "observe", message.observations)
            answer = None if message.request is None else await self._act(message)
            if message.later:
                await self._observe(message.step, "later", message.later)
            return answer

    async def _observe(self, step: int, part: str, observations: tuple[Any, ...]) -> None:
        with turn(self._journal, self._seat, step, f"{part}{self._label}"):
            for observation in observations:
                await self._agent.observe(observation)

    async def _act(self, message: TakeTurn) -> Any:
        """Act, unless somebody breaks that off; what is answered then is wanted by nobody."""
        try:
            return await self._act_unbroken(message)
        except asyncio.CancelledError:
            if not self._is_broken_off():
                raise
        finally:
            if self._is_broken_off():
                _forget_cancellation()

    def _is_broken_off(self) -> bool:
        return self._journal is not None and self._journal.calls.is_broken_off(self._seat)

    async def _act_unbroken(self, message: TakeTurn) -> Any:
        assert message.request is not None
        attempt = len(message.request.refused) + 1
        with (
            turn(self._journal, self._seat, message.step, f"{ACT} {attempt}{self._label}"),
            span(f"act: {attempt}/{ATTEMPTS}", kind="attempt") as here,
        ):
            here.result = await self._agent.act(message.request)
            return here.result


def _forget_cancellation() -> None:
    """Go on in a task in which a call was cut off."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()
