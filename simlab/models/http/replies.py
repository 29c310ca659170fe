"""Replies of endpoints: their shapes, checked as they are read."""

from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

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


class Reply(Struct, Generic[C]):
    """A reply with at least one choice, of which the first is taken."""

    choices: Annotated[list[C], Meta(min_length=1)]
    usage: _Tokens


read_chat = msgspec.json.Decoder(Reply[ChatChoice]).decode
read_text = msgspec.json.Decoder(Reply[TextChoice]).decode


def usage_of(answer: Answer[Reply[C]], model: "EndpointModel") -> Usage:
    """What a reply cost, in tokens, seconds and dollars."""
    tokens = answer.value.usage
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
