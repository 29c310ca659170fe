"""A person at the terminal, in a seat."""

from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from simlab.agents.questions import Questions
from simlab.agents.terminal import Terminal, standard_terminal
from simlab.env.environment import ActionRequest, Seat, Wait
from simlab.env.spaces import admit
from simlab.errors import UnfitAnswerError
from simlab.models.answer_schema import answer_schema
from simlab.models.reading import label_of
from simlab.trace.tracing import effect


@dataclass(frozen=True, slots=True)
class HumanRequest:
    """What a person was asked, as the log keeps it."""

    seat: Seat
    prompt: str


@dataclass(frozen=True, slots=True)
class HumanAnswer:
    """What a person answered, as the log keeps it: the action's plain data, or to wait."""

    action: Any = None
    waits: bool = False


class HumanAgent:
    """A person who takes a seat at the terminal.

    What the person perceives is shown when it is their turn, and the request after it; a typed
    action is asked for field by field. What does not fit is asked again at once, with the reason.
    The answer is an effect, so a replay needs neither person nor terminal. A deadline may cancel
    `act` at any time.

    Args:
        seat: Where the person sits.
        role: What the world says of the seat.
        terminal: Where the person reads and writes; by default that of the process, when the first
            question comes.
    """

    def __init__(
        self, *, seat: Seat = "", role: str = "", terminal: Terminal | None = None
    ) -> None:
        self.seat = seat
        self._terminal = terminal
        self._unseen: list[str] = [f"You are {seat}. {role}".strip()] if seat else []

    async def observe(self, observation: Any) -> None:
        """Keep it for the person's next turn; see `Agent.observe`."""
        self._unseen.append(str(observation))

    async def act(self, request: ActionRequest) -> Any:
        """Ask the person; see `Agent.act`.

        Raises:
            ConfigError: There is no terminal.
            PersonLeftError: The terminal's input has ended.
        """
        asked = HumanRequest(self.seat, request.prompt or "")
        answer: HumanAnswer = await effect(
            "human", asked, lambda _seed: self._ask(request), returns=HumanAnswer
        )
        return Wait() if answer.waits else admit(request, answer.action)

    async def _ask(self, request: ActionRequest) -> HumanAnswer:
        terminal = self._terminal or standard_terminal()
        async with terminal.reserved():
            self._show_news(terminal, request)
            questions = Questions(lambda question: _put(terminal, question), terminal.show)
            if not request.required and not await questions.ask_truth("act now"):
                return HumanAnswer(waits=True)
            return HumanAnswer(await self._ask_action(questions, request))

    def _show_news(self, terminal: Terminal, request: ActionRequest) -> None:
        for text in self._unseen:
            terminal.show(text)
        self._unseen.clear()
        for refusal in request.refused[-1:]:
            terminal.show(f"That was not taken: {refusal.reason}")
        terminal.show(request.prompt or "It is your turn.")

    async def _ask_action(self, questions: Questions, request: ActionRequest) -> Any:
        """The plain data of an action that fits the request as a whole."""
        while True:
            action = await _ask_once(questions, request)
            try:
                admit(request, action)
            except UnfitAnswerError as error:
                questions.tell(error.message)
            else:
                return action


async def _ask_once(questions: Questions, request: ActionRequest) -> Any:
    if request.legal is None:
        return await questions.ask_value(answer_schema(request.space), "answer")
    labels = [label_of(action) for action in request.legal]
    place = await questions.ask_choice(labels, "answer")
    return to_jsonable_python(request.legal[place])


async def _put(terminal: Terminal, question: str) -> str:
    terminal.show(question, end="")
    return await terminal.read_line()
