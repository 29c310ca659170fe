"""Replies of endpoints: their shapes, checked as they are read."""

from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Struct

from simlab.errors import ModelError
from simlab.models.http.client import Answer
from simlab.models.model import Finish, Usage
from simlab.models.tool_call import ToolCall

if TYPE_CHECKING:
    from simlab.models.endpoint import EndpointModel

C = TypeVar("C", bound="Choice")

_FINISHES: dict[str | None, Finish] = {
    "stop": "stop",
    "tool_calls": "stop",
    "length": "length",
}


class _CachedTokens(Struct):
    cached_tokens: int | None = None


class _Tokens(Struct):
    prompt_tokens: int
    completion_tokens: int | None = None
    prompt_tokens_details: _CachedTokens | None = None


class Choice(Struct, kw_only=True):
    """What choices of all kinds have."""

    finish_reason: str | None = None

    @property
    def finish(self) -> Finish:
        """Why the completion ended."""
        return _FINISHES.get(self.finish_reason, "abort")


class _Function(Struct):
    name: str
    arguments: str


class _Call(Struct):
    function: _Function
    id: str = ""


class _Message(Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _TokenLogprob(Struct):
    logprob: float


class _ChatLogprobs(Struct):
    content: list[_TokenLogprob] | None = None


class ChatChoice(Choice):
    """A choice of ``/chat/completions``."""

    message: _Message
    logprobs: _ChatLogprobs | None = None

    @property
    def text(self) -> str:
        """The words; none where all tokens went into thoughts that the endpoint does not show."""
        return self.message.content or self.message.refusal or ""

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tools that are called."""
        return tuple(
            ToolCall(call.function.name, call.function.arguments, call.id)
            for call in self.message.tool_calls or ()
        )

    @property
    def token_logprobs(self) -> tuple[float, ...]:
        """The log-probability of each token drawn; empty if there are none."""
        tokens = None if self.logprobs is None else self.logprobs.content
        return tuple(token.logprob for token in tokens or ())


class _TextLogprobs(Struct):
    token_logprobs: list[float] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None


class TextChoice(Choice):
    """A choice of ``/completions``; ids are there where the server knows ``return_token_ids``."""

    text: str
    logprobs: _TextLogprobs | None = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None

    @property
    def token_logprobs(self) -> tuple[float, ...]:
        """The log-probability of each token drawn; empty if there are none."""
        return tuple((None if self.logprobs is None else self.logprobs.token_logprobs) or ())

    @property
    def next_logprobs(self) -> dict[str, float]:
        """Log-probabilities at the first token drawn, by token; empty if there are none."""
        first = None if self.logprobs is None else self.logprobs.top_logprobs
        return (first[0] if first else None) or {}


class _Reply(Struct):
    """A reply; its choices are read when it is known what they have cost."""

    choices: list[msgspec.Raw]
    usage: _Tokens | None = None


read_reply = msgspec.json.Decoder(_Reply).decode


def first_choice(answer: Answer[_Reply], kind: type[C], model: "EndpointModel") -> tuple[C, Usage]:
    """The first choice of a reply, and what the reply has cost.

    Raises:
        ModelError: It has none of this kind, or does not tell its tokens.
    """
    usage = _usage_of(answer, model)
    try:
        return msgspec.json.decode(answer.value.choices[0], type=kind), usage
    except (IndexError, msgspec.ValidationError) as error:
        said = error if answer.value.choices else "it has no choices"
        raise ModelError.of(
            f"{model.url} answers in another form than the API's: {said}; see whether url and "
            "server are right",
            usage,
        ) from error


def _usage_of(answer: Answer[_Reply], model: "EndpointModel") -> Usage:
    """What a reply cost, in tokens, seconds and dollars."""
    tokens = answer.value.usage
    if tokens is None:
        raise ModelError.of(
            f"{model.url} answers without usage, by which tokens and money are counted; let it "
            "tell them, or put a proxy before it that does",
            Usage(model_s=answer.model_s, attempts=answer.attempts),
        )
    details = tokens.prompt_tokens_details
    n_drawn = tokens.completion_tokens or 0
    return Usage(
        tokens.prompt_tokens,
        n_drawn,
        (details.cached_tokens or 0) if details else 0,
        model_s=answer.model_s,
        attempts=answer.attempts,
        dollars=model.dollars(tokens.prompt_tokens, n_drawn),
    )
