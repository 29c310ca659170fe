"""A person in a seat."""

from dataclasses import dataclass, replace
from typing import Any

from simlab.agents.person import Choice, HumanAnswer, Person, Question
from simlab.agents.terminal_person import TerminalPerson
from simlab.env.environment import ActionRequest, Seat, Wait
from simlab.env.spaces import admit, plain_data
from simlab.errors import UnfitAnswerError
from simlab.models.answer_schema import answer_schema
from simlab.models.reading import label_of
from simlab.trace.tracing import current_span, effect


@dataclass(frozen=True, slots=True)
class HumanRequest:
    """What a person was asked, as the log keeps it."""

    seat: Seat
    prompt: str


class HumanAgent:
    """A person who takes a seat.

    What the person perceives is shown when it is their turn, and the request after it. What does
    not fit is asked again at once, with the reason. The answer is an effect, so a replay needs
    nobody. A deadline may cancel `act` at any time.

    Args:
        seat: Where the person sits.
        role: What the world says of the seat.
        person: Who is asked; by default whoever sits at the terminal of this process.
    """

    def __init__(self, *, seat: Seat = "", role: str = "", person: Person | None = None) -> None:
        self.seat = seat
        self._person = person or TerminalPerson()
        self._unseen: list[str] = [f"You are {seat}. {role}".strip()] if seat else []
        self._n_seen = 0

    async def observe(self, observation: Any) -> None:
        """Keep it for the person's next turn; see `Agent.observe`."""
        self._unseen.append(str(observation))

    async def act(self, request: ActionRequest) -> Any:
        """Ask the person; see `Agent.act`.

        Raises:
            ConfigError: There is nobody to ask.
            PersonLeftError: The person will answer no more.
        """
        asked = HumanRequest(self.seat, request.prompt or "")
        question = self._question(request)
        answer: HumanAnswer = await effect(
            "human", asked, lambda _seed: self._ask(question, request), returns=HumanAnswer
        )
        return _admitted(request, answer)

    async def _ask(self, question: Question, request: ActionRequest) -> HumanAnswer:
        """Ask until an answer fits the request as a whole."""
        while True:
            answer = await self._person.answer(question)
            try:
                _admitted(request, answer)
            except UnfitAnswerError as error:
                question = replace(question, refusal=error.message)
            else:
                self._n_seen += len(question.news)
                del self._unseen[: len(question.news)]
                return answer

    def _question(self, request: ActionRequest) -> Question:
        legal = request.legal
        return Question(
            asker=_asker(self.seat),
            prompt=request.prompt or "It is your turn.",
            schema=answer_schema(request.space) if legal is None else {},
            choices=None if legal is None else tuple(map(_choice, legal)),
            may_wait=not request.required,
            news=tuple(self._unseen),
            n_known=self._n_seen,
            refusal=request.refused[-1].reason if request.refused else "",
        )


def _admitted(request: ActionRequest, answer: HumanAnswer) -> Any:
    return admit(request, Wait(answer.until) if answer.waits else answer.action)


def _choice(action: Any) -> Choice:
    return Choice(label_of(action), plain_data(action))


def _asker(seat: Seat) -> str:
    """The seat; in a run, where episodes may ask side by side, with its episode."""
    here = current_span()
    if here is None or here.journal is None:
        return seat
    return f"{seat} of episode {here.journal.episode}"
