"""Attempts: on which stage each episode is played, and how it is reached wherever it moves."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from simlab.actors import ActorRef
from simlab.errors import ActorError, ControlError
from simlab.sim.control.desk import ended_error
from simlab.sim.control.messages import TakeOrder
from simlab.sim.control.order import Order


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """An episode on one stage, until it ends or its host dies."""

    stage: ActorRef


class Attempts:
    """Which episodes have begun, where those are that are live, and which have ended.

    Args:
        n_episodes: How many the run has.
    """

    def __init__(self, n_episodes: int) -> None:
        self._n_episodes = n_episodes
        self._live: dict[int, _Attempt] = {}
        self._begun: set[int] = set()
        self._ended: set[int] = set()
        self._moved = asyncio.Event()

    @property
    def live(self) -> list[int]:
        """The episodes that are played now."""
        return [*self._live]

    @property
    def n_ended(self) -> int:
        """How many episodes have ended."""
        return len(self._ended)

    def begin(self, episode: int, stage: ActorRef) -> None:
        """Take note that an episode is played on a stage from now on."""
        self._begun.add(episode)
        self._live[episode] = _Attempt(stage)
        self._moved.set()

    def end(self, episode: int) -> None:
        """Take note that an episode is played no more where it was."""
        del self._live[episode]
        self._moved.set()

    def close(self, episode: int) -> None:
        """Take note that an episode has ended."""
        self._ended.add(episode)
        self._moved.set()

    async def deliver(self, episode: int, order: Order) -> int | None:
        """Give an order to an episode, on whatever host it comes to be; the step it is done in.

        An episode that has not begun, or is on its way to another host, is told all that holds as
        it begins.
        """
        while episode not in self._ended:
            attempt = self._live.get(episode)
            if attempt is None and order.kind != "say":
                return None
            if attempt is not None:
                try:
                    step: int | None = await attempt.stage.ask(TakeOrder(episode, order))
                except ActorError:
                    await self._wait_until_moved(episode, attempt)
                    continue
                return step
            await self._wait_until_moved(episode, attempt)
        raise ended_error(episode)

    async def tell(self, episode: int, message: Any) -> None:
        """Tell a live episode something; one that moves to another host is told as it begins."""
        attempt = self._live.get(episode)
        if attempt is not None:
            with suppress(ActorError):
                await attempt.stage.ask(message)

    async def tell_all(self, message_to: Callable[[int], Any]) -> None:
        """Tell all live episodes something at once; one that ends meanwhile has no need of it.

        Args:
            message_to: Gives what an episode is told.
        """

        async def tell(episode: int) -> None:
            with suppress(ControlError):
                await self.tell(episode, message_to(episode))

        await asyncio.gather(*(tell(episode) for episode in self._live))

    def require_to_come(self, episode: int) -> None:
        """See that an episode is live, or will be.

        Raises:
            ControlError: It has ended, or there is none.
        """
        if not 0 <= episode < self._n_episodes:
            raise ControlError(
                f"episode must be in 0..{self._n_episodes - 1}, got {episode}; hello tells which "
                "are live"
            )
        if episode in self._ended:
            raise ended_error(episode)

    def require_begun(self, episode: int) -> None:
        """See that an episode has begun in this process.

        Raises:
            ControlError: It has not.
        """
        if episode not in self._begun:
            raise ControlError(f"episode {episode} has not begun; wait until it has")

    async def _wait_until_moved(self, episode: int, attempt: "_Attempt | None") -> None:
        while self._live.get(episode) is attempt and episode not in self._ended:
            self._moved.clear()
            await self._moved.wait()
