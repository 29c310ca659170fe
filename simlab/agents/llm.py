"""An agent that is played by a language model."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from simlab.agents.dialogue import Dialogue
from simlab.agents.interviewee import Exchange
from simlab.agents.memory import ListMemory, MemoryItem
from simlab.agents.remembering import MemorySpec, make_memory
from simlab.agents.tool import Tool, ToolLike, as_tool
from simlab.agents.tool_use import ToolUse
from simlab.env.environment import ActionRequest, Briefing, Seat
from simlab.errors import UnfitAnswerError
from simlab.models.answer_form import AnswerForm, answer_form
from simlab.models.answers import draw, reason_in_words
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
    A `Briefing` is no memory either: the latest ends the system turn. A request whose prompt is
    empty, and not None, adds no question: the last user's turn stands as it is.

    With a memory that keeps everything (``list``) the prompt is the `Dialogue` as it went: each
    question and reply stays in it, with the token ids that were drawn, so that each prompt begins
    with the one before and its reply.

        agent = LlmAgent(model, persona="You are patient.", goal="Pay little.", seat="buyer")
        await agent.observe("The car is from 2014.")
        offer = await agent.act(ActionRequest(Offer, prompt="What do you offer?"))

    With `tools` it may call these before it answers. The calls and their results are part of that
    turn alone, in which they follow the request, also when an answer is refused; they are no
    memories. A tool that fails tells the model so. As long as tools are offered, the reply is not
    begun, since it may be a call.

    Args:
        model: Plays it.
        persona: Who it is, as sentences to it: ``"You are a patient trader."``
        goal: What it wants.
        memory: A memory of its own, or how to make one; see `make_memory`.
        seat: Where it sits; what this seat says is its own words.
        role: What the world says of the seat.
        name_speakers: False: what others say is shown without their names, nor is it told its own,
            as a dialogue of two wants it.
        sampling: How replies are drawn; may be a mapping of `Sampling`'s fields.
        reason: True: it reasons in words before it answers.
        begin: True: its reply is begun for it where the request settles how it begins, which small
            models need.
        constrain: True: its reply is held to the answer's JSON schema by the engine, which must be
            able to; begins no reply. Free words are not held to anything.
        session: Names this agent's prompts to engines that cache; see `Model.generate`.
        tools: What it may call: functions, see `Tool`, or their names as ``module:function`` or
            ``file.py:function``.
        max_tool_calls: How many calls it may make in a turn before it has to answer.

    Raises:
        ConfigError: A tool that is named cannot be found.
        TypeError: A tool is no function that can be one; see `Tool.of`.
        ValueError: `sampling` has a field that is wrong, `memory` names no memory, two tools have
            one name, `max_tool_calls` is under 1, or `constrain` stands beside what lets a reply be
            more than the answer.
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
        name_speakers: bool = True,
        sampling: Sampling | Mapping[str, Any] = Sampling(),
        reason: bool = False,
        begin: bool = True,
        constrain: bool = False,
        session: str | None = None,
        tools: Sequence[ToolLike] = (),
        max_tool_calls: int = 4,
    ) -> None:
        self.model = model
        self.seat = seat
        self.memory = make_memory(memory, model)
        self.sampling = as_sampling(sampling)
        self.reason = reason
        self.begin = begin
        self.constrain = constrain
        self.session = session
        self._name_speakers = name_speakers
        self._self = _self_in_words(seat if name_speakers else "", role, persona, goal)
        self._system = _system(self._self)
        self._tools = _by_name(tools)
        self._offering = replace(
            self.sampling, tools=tuple(tool.spec for tool in self._tools.values())
        )
        if max_tool_calls < 1:
            raise ValueError(f"max_tool_calls must be at least 1, got {max_tool_calls!r}")
        if constrain and (reason or tools):
            other = "reason" if reason else "tools"
            raise ValueError(
                f"constrain holds the whole reply to the answer's schema, and {other} lets it be "
                "something else first; leave out one of them"
            )
        self._max_tool_calls = max_tool_calls
        self._tool_use = ToolUse(self._tools, max_tool_calls)
        self._dialogue = Dialogue() if isinstance(self.memory, ListMemory) else None

    async def observe(self, observation: Any) -> None:
        """Remember an observation, or be briefed by it; see `Agent.observe`."""
        if isinstance(observation, Briefing):
            self._system = _system(self._self, observation.text)
            return
        item = MemoryItem.of(observation, self.seat, named=self._name_speakers)
        await self.memory.add(item)
        if self._dialogue is not None:
            self._dialogue.tell(item)

    async def act(self, request: ActionRequest) -> Any:
        """Ask the model for one answer; see `Agent.act`.

        Raises:
            UnfitAnswerError: The reply does not fit; holds it and the reason.
            ModelError: The model did not answer, or cannot be held to the schema.
        """
        form = answer_form(request.space, reason=self.reason)
        if self._dialogue is not None:
            return await self._go_on(self._dialogue, form, request)
        if not request.refused:
            self._tool_use = ToolUse(self._tools, self._max_tool_calls)
        use = self._tool_use
        use.show(request.refused)
        chat = await self._chat(request.prompt or "", _in_words(form, request))
        return form.read((await self._reply(chat, use, form, request)).text, request)

    async def query(self, question: str, earlier: Sequence[Exchange] = ()) -> str:
        """Ask in free words; see `Interviewee.query`. No tools, and nothing is remembered.

        Raises:
            ModelError: The model did not answer.
        """
        questions = [*(exchange.question for exchange in earlier), question]
        if self._dialogue is not None:
            chat: Sequence[ChatMessage] = [*self._system, *self._dialogue.ask(questions[0])]
        else:
            chat = await self._chat(question, questions[0])
        for exchange, following in zip(earlier, questions[1:], strict=True):
            answer = ChatMessage("assistant", exchange.answer)
            chat = [*chat, answer, ChatMessage("user", following)]
        return (await self.model.generate(chat, self.sampling, session=self.session)).text.strip()

    def copy(self) -> Self:
        """An agent of the same class that remembers the same and goes its own way."""
        twin = copy.copy(self)
        twin.memory = self.memory.copy()
        twin._tool_use = ToolUse(self._tools, self._max_tool_calls)
        twin._dialogue = None if self._dialogue is None else self._dialogue.copy()
        return twin

    async def _go_on(self, dialogue: Dialogue, form: AnswerForm, request: ActionRequest) -> Any:
        """Answer in a dialogue, which has the refused answers to this request already."""
        if request.refused:
            use, asked = ToolUse({}, self._max_tool_calls), reason_in_words(request.refused[-1])
        else:
            use, asked = ToolUse(self._tools, self._max_tool_calls), _in_words(form, request)
        chat = [*self._system, *dialogue.ask(asked)]
        reply = await self._reply(chat, use, form, request)
        exchange = [chat[-1], *use.messages, reply]
        try:
            action = form.read(reply.text, request)
        except UnfitAnswerError:
            dialogue.keep(exchange, fits=False)
            raise
        dialogue.keep(exchange, fits=True)
        return action

    async def _reply(
        self, chat: Sequence[ChatMessage], use: ToolUse, form: AnswerForm, request: ActionRequest
    ) -> ChatMessage:
        """The model's reply, once it has called what it wants to call."""
        while not use.is_over:
            prompt = [*chat, *use.messages]
            completion = await self.model.generate(prompt, self._offering, session=self.session)
            if not completion.calls:
                return completion.message()
            await use.make(completion)
        return await draw(
            self.model,
            [*chat, *use.messages],
            form,
            request,
            sampling=self.sampling,
            begin=self.begin,
            constrain=self.constrain,
            session=self.session,
        )

    async def _chat(self, question: str, asked: str) -> Sequence[ChatMessage]:
        """The prompt that ends with what is asked, in all the words that go with the question."""
        remembered = (await self.memory.about(question)).messages()
        if remembered and remembered[-1].role == "user":
            if not asked:
                return [*self._system, *remembered]
            asked = f"{remembered[-1].text}\n\n{asked}"
            remembered = remembered[:-1]
        return [*self._system, *remembered, ChatMessage("user", asked)]


def _in_words(form: AnswerForm, request: ActionRequest) -> str:
    """What is asked, with the form of the answer; empty where neither is to be told."""
    asked = _NO_PROMPT if request.prompt is None else request.prompt
    return "\n".join(filter(None, (asked, form.ask_for(request))))


def _self_in_words(seat: Seat, role: str, persona: str, goal: str) -> str:
    """Who the agent is, whatever the episode."""
    name = f"You are {seat}." if seat else ""
    parts = [name, role, persona, f"Your goal: {goal}" if goal else ""]
    return " ".join(part.strip() for part in parts if part.strip())


def _system(*parts: str) -> tuple[ChatMessage, ...]:
    """Who the agent is, as the first turn; no turn if nothing is said of it."""
    text = "\n\n".join(filter(None, parts))
    return (ChatMessage("system", text),) if text else ()


def _by_name(tools: Sequence[ToolLike]) -> Mapping[str, Tool]:
    made = [as_tool(tool) for tool in tools]
    by_name = {tool.name: tool for tool in made}
    if len(by_name) < len(made):
        raise ValueError(f"tools must have names of their own, got {[tool.name for tool in made]}")
    return by_name
