"""What a model is to an agent: a small picklable value that completes prompts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import PurePath
from typing import Annotated, Any, Literal, Protocol, Self, runtime_checkable

from pydantic import (
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    TypeAdapter,
    ValidationError,
)

from simlab.errors import ModelError
from simlab.models.tool_call import ToolCall, ToolSpec
from simlab.problem import problem
from simlab.unusual import unusual

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn of a chat; a last one by the assistant is unfinished: the model goes on from it.

    Attributes:
        role: Whose turn it is.
        text: The words; of a tool's turn the result.
        ids: The token ids that a model drew for the words, see `Completion.message`: a later prompt
            has these very ids, and not the words cut into tokens anew. They follow from completions
            and enter no digest. Whoever changes the words leaves them out.
        n_begun: How many characters of `text` the prompt had begun the reply with; `ids` are those
            of the rest.
        calls: Of an assistant's turn the tools that it calls, in order; of a tool's turn the one
            call that it answers. The results follow the calls at once, in their order.
    """

    role: Role
    text: str
    ids: tuple[int, ...] = ()
    n_begun: int = 0
    calls: tuple[ToolCall, ...] = ()

    def __trace__(self) -> dict[str, Any]:
        """What the log keeps: the fields that are not as usual."""
        return unusual(self)


Prompt = Sequence[ChatMessage] | Sequence[int]
"""A chat, or token ids that are sent as they are."""


def begun_reply(prompt: Prompt) -> str:
    """The words with which a chat begins the reply to it; empty if it begins none."""
    last = prompt[-1] if prompt else None
    return last.text if isinstance(last, ChatMessage) and last.role == "assistant" else ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw a completion; `as_sampling` checks one that others have written.

    Attributes:
        max_tokens: At most this many tokens are drawn.
        temperature: 0 draws the most probable token each time.
        top_p: Nucleus: the smallest set of tokens with this much probability is drawn from; in
            ``(0, 1]``.
        stop: Texts that end the completion and are not part of it.
        seed: Of this draw; None lets SimLab derive it from where in the run the draw stands.
        exact: True: raise if the engine cannot hold the seed whatever it computes beside it.
        schema: JSON schema that the completion must satisfy; an engine that cannot hold it raises.
        logprobs: True: the completion carries the log-probability of each token.
        tools: What the completion may call in place of an answer, or beside it. Whoever offers
            tools makes the calls, so they are not set in run files; an engine that knows no tools
            raises.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", revalidate_instances="always")

    max_tokens: Annotated[StrictInt, Field(ge=1)] = 128
    temperature: Annotated[StrictFloat, Field(ge=0, allow_inf_nan=False)] = 1.0
    top_p: Annotated[StrictFloat, Field(gt=0, le=1)] = 1.0
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    seed: StrictInt | None = None
    exact: StrictBool = False
    schema: Mapping[str, Any] | None = None
    logprobs: StrictBool = False
    tools: tuple[ToolSpec, ...] = ()

    def __trace__(self) -> dict[str, Any]:
        """What the log keeps: all fields, and tools where there are any.

        So digests of runs without tools are what they were before there were any.
        """
        names = [field.name for field in fields(self) if field.name != "tools" or self.tools]
        return {"_type": type(self).__name__, **{name: getattr(self, name) for name in names}}

    def stop_place(self, text: str) -> int | None:
        """Where the first of the stop texts begins, if any is there."""
        return min((place for place in map(text.find, self.stop) if place >= 0), default=None)


def as_sampling(given: Sampling | Mapping[str, Any]) -> Sampling:
    """A sampling that was given as such or as a mapping of its fields, checked.

    Not done wherever a `Sampling` is made: each draw makes one.

    Raises:
        ValueError: A field is unknown, of a wrong type or out of its range, each of which is
            named; or a mapping sets tools.
    """
    if isinstance(given, Mapping) and "tools" in given:
        raise ValueError("sampling.tools are set by who calls them; give the agent tools instead")
    try:
        return _sampling_adapter().validate_python(given)
    except ValidationError as error:
        known = [field.name for field in fields(Sampling)]
        problems = (problem(part, ("sampling", *part["loc"]), known) for part in error.errors())
        raise ValueError("; ".join(problems)) from error


@cache
def _sampling_adapter() -> TypeAdapter[Sampling]:
    return TypeAdapter(Sampling)


Finish = Literal["stop", "length", "abort"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call cost: a completion, scored choices or an embedding.

    Attributes:
        prompt_tokens: Tokens of the prompt.
        completion_tokens: Tokens drawn.
        cached_tokens: Tokens of the prompt that the engine did not read anew.
        model_s: Seconds from when the engine began with the request to its end.
        attempts: How many replicas, or tries at an endpoint, it took.
        dollars: What it cost at the prices that the run file gives.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    model_s: float = 0.0
    attempts: int = 1
    dollars: float = 0.0

    def __trace__(self) -> dict[str, Any]:
        """What enters digests: the numbers that follow from the request."""
        tokens = {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens}
        return {name: number for name, number in tokens.items() if number}

    def __cost__(self) -> dict[str, float]:
        """What is recorded beside that: all that is not as usual."""
        return unusual(self)

    def __add__(self, other: Self) -> Self:
        """What two calls cost together."""
        return replace(
            self,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            model_s=self.model_s + other.model_s,
            attempts=self.attempts + other.attempts - 1,
            dollars=self.dollars + other.dollars,
        )


def spent_on(error: ModelError) -> Usage:
    """What was spent on a call that failed."""
    return error.usage if isinstance(error.usage, Usage) else Usage()


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered.

    Attributes:
        text: The words drawn; a reply begun in the prompt is not repeated.
        prompt_ids: The token ids that the engine read; empty where an engine has none.
        token_ids: The token ids that were drawn, the end-of-turn token included; empty as above.
        logprobs: One for each token drawn, untempered; empty if not asked for.
        finish: Why it ended.
        model: The exact version that answered, such as ``"small+agent@7"``.
        usage: What it cost.
        exact: True: the same request with the same seed gives the same tokens on this engine,
            whatever is computed beside it.
        calls: The tools that it calls, in order; how it wrote them is no part of `text`.
    """

    text: str
    prompt_ids: tuple[int, ...] = ()
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    finish: Finish = "stop"
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    exact: bool = False
    calls: tuple[ToolCall, ...] = ()

    def message(self, begun: str = "") -> ChatMessage:
        """The reply as a turn of the chat that goes on, which keeps the ids that were drawn.

        One with calls keeps none: the template writes calls anew.

        Example::

            chat = [ChatMessage("user", "Hi")]
            completion = await model.generate(chat)
            chat += [completion.message(), ChatMessage("user", "And now?")]

        Args:
            begun: How the prompt had begun the reply.
        """
        if self.calls:
            return ChatMessage("assistant", begun + self.text, calls=self.calls)
        return ChatMessage("assistant", begun + self.text, self.token_ids, len(begun))

    def __cost__(self) -> dict[str, float]:
        """What the log keeps beside the completion, and no digest knows of."""
        return self.usage.__cost__()

    def __trace__(self) -> dict[str, Any]:
        """What the log keeps: the fields that are not as usual."""
        return unusual(self)


class ChoiceLogprobs(dict[str, float]):
    """The log-probability of each choice, and what it took to find them."""

    def __init__(self, logprobs: Mapping[str, float], usage: Usage = Usage()) -> None:
        super().__init__(logprobs)
        self.usage = usage

    def __cost__(self) -> dict[str, float]:
        """What the log keeps beside the scores, and no digest knows of."""
        return self.usage.__cost__()


@runtime_checkable
class Model(Protocol):
    """A small picklable value; the only thing that agents see of a language model."""

    @property
    def name(self) -> str:
        """The exact version, such as ``"small"`` or ``"small+agent@7"``."""
        ...

    async def generate(
        self, prompt: Prompt, sampling: Sampling = Sampling(), *, session: str | None = None
    ) -> Completion:
        """Complete a prompt.

        Args:
            prompt: A chat or token ids.
            sampling: How to draw.
            session: Names requests whose prompts extend each other, so that an engine can keep
                them near the same cache; never part of a request's digest.

        Raises:
            ModelError: The model did not answer.
        """
        ...

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """The log-probability of each choice as the continuation of the prompt, from raw logits.

        Choices of several tokens are scored as sequences, and exclude each other: one that goes on
        to be another choice counts for that one alone. The probabilities need not sum to 1.
        """
        ...

    def with_adapter(self, path: str | None) -> Self:
        """This model with an immutable adapter folder, or without any."""
        ...


def name_with_adapter(name: str, path: str | None) -> str:
    """The exact version of a model under an adapter, such as ``"small+agent@7"``.

    Args:
        name: Of the model, with or without an adapter, which is left off.
        path: Folder of the adapter; None for none.
    """
    base = name.partition("+")[0]
    return base if path is None else f"{base}+{PurePath(path).name}"
