"""An agent that is played by a language model."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Self

from simlab.agents.memory import MemoryItem
from simlab.agents.remembering import MemorySpec, make_memory
from simlab.env.environment import ActionRequest, Seat
from simlab.models.answer_form import answer_form
from simlab.models.answers import attempt
from simlab.models.model import ChatMessage, Model, Sampling, as_sampling

_NO_PROMPT = "What do you do?"


class LlmAgent:
    """A language model in a seat: who it is, what it remembers, and what it is asked.

    Its prompt is a chat: who it is (system), what it remembers that bears on the request (its own
    words as assistant, all else as user), and last the request with the form of the answer, at the
    end of the last user's turn. Turns alternate, which every chat template takes, and those before
    the last are the very objects of the prompt before, unless its memory recalls others. Refused
    answers to the request follow, each with its reason.

    Asking it writes nothing into its memory; the world tells it what it did, as it tells others.

        agent = LlmAgent(model, persona="You are patient.", goal="Pay little.", seat="buyer")
        await agent.observe("The car is from 2014.")
        offer = await agent.act(ActionRequest(Offer, prompt="What do you offer?"))

    Args:
        model: Plays it.
        persona: Who it is, as sentences to it: ``"You are a patient trader."``
        goal: What it wants.
        memory: A memory of its own, or how to make one; see `make_memory`.
        seat: Where it sits; what this seat says is its own words.
        role: What the world says of the seat.
        sampling: How replies are drawn; may be a mapping of `Sampling`'s fields.
        reason: True: it reasons in words before it answers.
        begin: True: its reply is begun for it where the request settles how it begins, which small
            models need.
        session: Names this agent's prompts to engines that cache; see `Model.generate`.

    Raises:
        ValueError: `sampling` has a field that is wrong, or `memory` names no memory.
    """

    def __init__(
        self,
        model: Model,
        *,
        persona: str = "",
        goal: str = "",
        memory: MemorySpec = None,
        seat: Seat = "",
        role: str = "",
        sampling: Sampling | Mapping[str, Any] = Sampling(),
        reason: bool = False,
        begin: bool = True,
        session: str | None = None,
    ) -> None:
        self.model = model
        self.seat = seat
        self.memory = make_memory(memory, model)
        self.sampling = as_sampling(sampling)
        self.reason = reason
        self.begin = begin
        self.session = session
        self._system = _system(seat, role, persona, goal)

    async def observe(self, observation: Any) -> None:
        """Remember an observation; see `Agent.observe`."""
        await self.memory.add(MemoryItem.of(observation, self.seat))

    async def act(self, request: ActionRequest) -> Any:
        """Ask the model once; see `Agent.act`.

        Raises:
            UnfitAnswerError: The reply does not fit; holds it and the reason.
            ModelError: The model did not answer.
        """
        form = answer_form(request.space, reason=self.reason)
        words = form.ask_for(request)
        asked = request.prompt or _NO_PROMPT
        return await attempt(
            self.model,
            await self._chat(request.prompt or "", f"{asked}\n{words}" if words else asked),
            form,
            request,
            sampling=self.sampling,
            begin=self.begin,
            session=self.session,
        )

    async def query(self, question: str) -> str:
        """Ask something in free words, as in an interview; nothing of it is remembered.

        Raises:
            ModelError: The model did not answer.
        """
        chat = await self._chat(question, question)
        return (await self.model.generate(chat, self.sampling, session=self.session)).text.strip()

    def copy(self) -> Self:
        """An agent of the same class that remembers the same and goes its own way."""
        twin = copy.copy(self)
        twin.memory = self.memory.copy()
        return twin

    async def _chat(self, question: str, asked: str) -> Sequence[ChatMessage]:
        """The prompt that ends with what is asked, in all the words that go with the question."""
        remembered = (await self.memory.about(question)).messages()
        if remembered and remembered[-1].role == "user":
            asked = f"{remembered[-1].text}\n\n{asked}"
            remembered = remembered[:-1]
        return [*self._system, *remembered, ChatMessage("user", asked)]


def _system(seat: Seat, role: str, persona: str, goal: str) -> tuple[ChatMessage, ...]:
    """Who the agent is, as the first turn; no turn if nothing is said of it."""
    name = f"You are {seat}." if seat else ""
    parts = [name, role, persona, f"Your goal: {goal}" if goal else ""]
    text = " ".join(part.strip() for part in parts if part.strip())
    return (ChatMessage("system", text),) if text else ()
