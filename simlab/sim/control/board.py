"""The board of a host: questions to people who come while the run goes on."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from simlab.actors import ActorRef
from simlab.agents.person import HumanAnswer
from simlab.env.environment import ActionRequest, Seat, Wait
from simlab.env.spaces import admit
from simlab.errors import ControlError, PersonLeftError, UnfitAnswerError
from simlab.sim.control.asked import Asked, Withdrawn


@dataclass(slots=True, eq=False)
class _Open:
    """A question that waits for its answer."""

    asked: Asked
    answered: "asyncio.Future[HumanAnswer]"


class Board:
    """Where the seats and models of one host ask people who come while the run goes on.

    Questions are told to the driver, which shows them; the answers come back to this board.

    Args:
        driver: The actor that is told.
        host: Name of the host.
        epoch: Of the host.
    """

    def __init__(self, driver: ActorRef, host: str, epoch: int) -> None:
        self._driver = driver
        self._host = host
        self._epoch = epoch
        self._numbers = itertools.count()
        self._open: dict[str, _Open] = {}
        self._there: dict[tuple[int, Seat], str] = {}
        self._requests: dict[int, Mapping[Seat, ActionRequest]] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def begin(self, episode: int, requests: Mapping[Seat, ActionRequest]) -> None:
        """Hold the answers of an episode's seats against what they are asked.

        Args:
            episode: Its number.
            requests: By seat, kept up to date by the owner.
        """
        self._requests[episode] = requests

    def end(self, episode: int) -> None:
        """Forget an episode."""
        self._requests.pop(episode, None)
        self._there = {place: by for place, by in self._there.items() if place[0] != episode}

    async def ask(self, asked: Asked, after_s: float | None) -> HumanAnswer:
        """Ask, and wait for the answer; may be cancelled, which takes the question back.

        Raises:
            TimeoutError: There was none for `after_s`.
            PersonLeftError: Whoever was asked has left.
        """
        deadline_s = None if after_s is None else time.time() + after_s
        number = f"{self._epoch}-{next(self._numbers)}"
        asked = replace(asked, id=number, host=self._host, deadline_s=deadline_s)
        waiting = _Open(asked, asyncio.get_running_loop().create_future())
        self._open[asked.id] = waiting
        try:
            await self._driver.tell(asked)
            async with asyncio.timeout(after_s):
                return await waiting.answered
        finally:
            del self._open[asked.id]
            self.tell_soon(Withdrawn(asked.id))

    def answer(self, question: str, answer: HumanAnswer) -> None:
        """Take an answer; whoever asked has recorded it when the event loop has come round once.

        Raises:
            ControlError: Nobody waits for it, or it is no action of what was asked.
        """
        waiting = self._open.get(question)
        if waiting is None or waiting.answered.done():
            raise ControlError(
                f"question {question!r} waits for no answer; it is answered, or was taken back"
            )
        self._require_fitting(waiting.asked, answer)
        waiting.answered.set_result(answer)

    def take(self, episode: int, seat: Seat, order: str) -> None:
        """Let a person be there by an order."""
        self._there[episode, seat] = order

    def leave(self, episode: int, seat: Seat, order: str) -> None:
        """Let whoever is there by an order be gone: no question to them gets an answer any more.

        Whoever has taken the seat since by another order stays.
        """
        if self._there.get((episode, seat)) != order:
            return
        del self._there[episode, seat]
        for waiting in self._open.values():
            asked = (waiting.asked.episode, waiting.asked.seat)
            if asked == (episode, seat) and not waiting.answered.done():
                waiting.answered.set_exception(left_error(seat))

    def is_gone(self, episode: int, seat: Seat) -> bool:
        """Whether nobody is there who has taken a seat."""
        return (episode, seat) not in self._there

    def tell_soon(self, message: Any) -> None:
        """Tell the driver something, without waiting for room in its mailbox."""
        telling = asyncio.create_task(self._driver.tell(message))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    def _require_fitting(self, asked: Asked, answer: HumanAnswer) -> None:
        request = self._requests.get(asked.episode, {}).get(asked.seat)
        if asked.model:
            _require_words(asked, answer)
        elif request is not None:
            try:
                admit(request, Wait(answer.until) if answer.waits else answer.action)
            except UnfitAnswerError as error:
                raise ControlError(
                    f"the answer is no action of seat {asked.seat!r}: {error.message}; give another"
                ) from error


def left_error(seat: Seat) -> PersonLeftError:
    """What ends the act of a person who has left."""
    return PersonLeftError(f"the person in seat {seat!r} has left it")


def _require_words(asked: Asked, answer: HumanAnswer) -> None:
    """See that who stands for a model has answered in its words.

    Raises:
        ControlError: It is no text, or none of the choices.
    """
    choices = asked.what.get("choices")
    if answer.waits or not isinstance(answer.action, str):
        raise ControlError(f"a model answers with a text, got {answer.action!r}; give its reply")
    if choices is not None and answer.action not in choices:
        raise ControlError(f"expected one of {choices!r}, got {answer.action!r}; give one of these")
