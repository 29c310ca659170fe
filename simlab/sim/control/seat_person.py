"""Whoever takes a seat while the run goes on."""

from dataclasses import dataclass
from typing import Literal

from simlab.agents.person import HumanAnswer, Question
from simlab.env.environment import Seat
from simlab.errors import PersonLateError
from simlab.sim.control.asked import Asked, Lapsed, question_in_words
from simlab.sim.control.board import Board, left_error

Lapse = Literal["agent", "default", "pause"]


@dataclass(frozen=True, slots=True)
class Terms:
    """On which a person takes a seat.

    Attributes:
        lapse: What becomes of the seat once the person is gone: its agent takes it again, its
            defaults are played, or the episode pauses until somebody takes it.
        after_s: After so long without an answer, in seconds, the person is taken for gone; None for
            never.
    """

    lapse: Lapse = "pause"
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class SeatPerson:
    """Whoever has taken a seat of one episode; see `simlab.agents.person.Person`.

    Attributes:
        board: Where they are asked.
        episode: Its number.
        seat: Which.
        terms: On which it is taken; by default those of a seat that nobody has taken yet.
    """

    board: Board
    episode: int
    seat: Seat
    terms: Terms = Terms()

    async def answer(self, question: Question) -> HumanAnswer:
        """Ask, and wait for the answer.

        Raises:
            PersonLeftError: They have left.
            PersonLateError: They have not answered in time.
        """
        asked = Asked(episode=self.episode, seat=self.seat, what=question_in_words(question))
        if self.terms.lapse == "pause":
            return await self._wait_for_somebody(asked)
        if self.board.is_gone(self.episode, self.seat):
            raise left_error(self.seat)
        try:
            return await self.board.ask(asked, self.terms.after_s)
        except TimeoutError:
            raise PersonLateError(
                f"the person in seat {self.seat!r} gave no answer in {self.terms.after_s:g} s"
            ) from None

    async def _wait_for_somebody(self, asked: Asked) -> HumanAnswer:
        """Ask, and let the episode pause once the person is gone."""
        try:
            return await self.board.ask(asked, self.terms.after_s)
        except TimeoutError:
            self.board.tell_soon(Lapsed(self.episode, self.seat))
            return await self.board.ask(asked, None)
