"""Between chats and token ids: pure functions of a tokenizer and its chat template."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, Protocol

from jinja2 import TemplateError

from simlab.errors import ModelError, UnfitAnswerError
from simlab.models.extend import Joint, pieces
from simlab.models.fold import Folding
from simlab.models.model import ChatMessage, Prompt
from simlab.models.tool_call import ToolCall, ToolSpec
from simlab.models.tool_folding import Offer, ToolFolding

_OVERLAP = 4
"""Prompt tokens that are decoded with the drawn ones, so that a first word keeps its space."""

_THINK, _THOUGHT = "<think>", "</think>"


class Tokenizer(Protocol):
    """What is used of a tokenizer of transformers."""

    chat_template: Any
    eos_token_id: int | None

    def apply_chat_template(
        self,
        conversation: list[dict[str, Any]],
        *,
        tokenize: bool,
        add_generation_prompt: bool,
        tools: list[dict[str, Any]] | None = None,
    ) -> Any:
        """The chat as the template writes it."""
        ...

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Text to token ids."""
        ...

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> Any:
        """Token ids to text."""
        ...

    def __len__(self) -> int:
        """How many tokens there are."""
        ...


class Renderer:
    """Renders prompts for one tokenizer; what it gives follows from the prompt alone.

    A chat is folded into what the template takes, see `Folding` and `ToolFolding`. Replies keep the
    ids that were drawn, see `simlab.models.extend`. A last message by the assistant is written
    without its end, for the model to go on from; where the template lets the model think first, its
    thoughts are ended before that.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._size = len(tokenizer)
        if tokenizer.chat_template is not None:
            self._folding = Folding.of(self._apply_template)
            self._joint = Joint.of(self._apply_template)

    def prompt_ids(self, prompt: Prompt, tools: Sequence[ToolSpec] = ()) -> list[int]:
        """The ids that the model reads; those of a prompt that is ids already are not changed.

        Args:
            prompt: A chat or token ids.
            tools: What the model may call, which a chat is to tell it.

        Raises:
            ModelError: The prompt is empty, holds an unknown id, or does not fit the template.
        """
        if not prompt:
            raise ModelError("prompt must hold a message or a token id, got none")
        messages = [part for part in prompt if isinstance(part, ChatMessage)]
        ids = [part for part in prompt if isinstance(part, int)]
        if messages and ids:
            raise ModelError(f"prompt must be all messages or all token ids, got {prompt!r}")
        if messages:
            return self._chat_ids(messages, tools)
        if unknown := [token for token in ids if not self._knows(token)]:
            raise ModelError(f"token ids must be in [0, {self._size}), got {unknown[0]!r}")
        return ids

    def text_ids(self, text: str) -> list[int]:
        """The ids of a text, with nothing put before or after it."""
        return self._tokenizer.encode(text, add_special_tokens=False)

    def end_ids(self) -> list[int]:
        """The token that ends a reply, if the tokenizer names one."""
        end = self._tokenizer.eos_token_id
        return [] if end is None else [end]

    def continuation(self, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> str:
        """The words of `token_ids` as they go on from `prompt_ids`, without special tokens."""
        before = list(prompt_ids[-_OVERLAP:])
        start = len(self._decode(before))
        return self._decode(before + list(token_ids))[start:]

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text

    def _knows(self, token: int) -> bool:
        return 0 <= token < self._size

    @cached_property
    def _tool_folding(self) -> ToolFolding:
        """What the template knows of tools; found out when there are any."""
        return ToolFolding.of(self._apply_template)

    def _chat_ids(self, messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> list[int]:
        if self._tokenizer.chat_template is None:
            raise ModelError(
                "a chat needs a chat template, which this tokenizer lacks; send token ids"
            )
        if [message.role for message in messages] == ["assistant"]:
            raise ModelError("a chat must hold a turn before the reply that it begins, got none")
        own = [one if self._reads(one) else replace(one, ids=()) for one in messages]
        n_closed = len(own) - (own[-1].role == "assistant")
        offer = Offer(own[:n_closed], tools)
        if tools or any(message.calls for message in own):
            offer = self._tool_folding.fold(offer)
        folded = [*self._folding.fold(offer.messages), *own[n_closed:]]
        write = partial(self._chat_text, tools=offer.tools)
        ids: list[int] = []
        for piece in pieces(folded, write, self._joint):
            ids += piece if isinstance(piece, tuple) else self._text_after(ids, piece)
        return ids

    def _reads(self, message: ChatMessage) -> bool:
        """Whether a message's ids are those of its words; with another tokenizer they are not."""
        if message.calls or not all(map(self._knows, message.ids)):
            return False
        words = message.text[message.n_begun :].strip()  # of which a stop text may be cut off
        return self._decode(message.ids).strip().startswith(words)

    def _text_after(self, ids: Sequence[int], text: str) -> list[int]:
        """The ids of a text, less the end of turn that it begins with if `ids` have that already.

        The end is encoded with what follows, for the tokenizer to see no text begin there.
        """
        last = ids[-1:]
        end = self._tokenizer.decode(last, skip_special_tokens=False) if last else ""
        if not end or self._decode(last) or not text.lstrip().startswith(end):
            return self.text_ids(text)
        return self.text_ids(text.lstrip())[1:]

    def _chat_text(self, messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> str:
        """The text of a folded chat, with the reply that it begins, if it begins one."""
        begun = messages[-1] if messages[-1].role == "assistant" else None
        try:
            text = self._apply_template(messages if begun is None else messages[:-1], tools)
        except TemplateError as error:
            roles = [message.role for message in messages]
            raise ModelError(
                f"the chat template refuses a chat of roles {roles!r}: {str(error).rstrip('.')}"
            ) from error
        if begun is None:
            return text
        if text.rstrip().endswith(_THINK) and _THOUGHT not in begun.text:
            text = f"{text.rstrip()}\n\n{_THOUGHT}\n\n"
        return text + begun.text

    def _apply_template(
        self, messages: Sequence[ChatMessage], tools: Sequence[ToolSpec] = ()
    ) -> str:
        offered = {"tools": [tool.as_function() for tool in tools]} if tools else {}
        text: str = self._tokenizer.apply_chat_template(
            [_turn(message) for message in messages],
            tokenize=False,
            add_generation_prompt=True,
            **offered,
        )
        return text


def _turn(message: ChatMessage) -> dict[str, Any]:
    """A message as chat templates take it."""
    turn: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.calls and message.role == "tool":
        [call] = message.calls
        turn |= {"name": call.name, "tool_call_id": call.id}
    elif message.calls:
        turn["tool_calls"] = [_call(call) for call in message.calls]
    return turn


def _call(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = call.read_arguments()
    except UnfitAnswerError:  # templates take an object
        arguments = {"text": call.arguments}
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def turn_ends(tokenizer: Any, named: int | Sequence[int] | None) -> frozenset[int]:
    """The tokens that end a turn.

    Args:
        tokenizer: Names one of them, or none.
        named: Those that the settings beside the weights name as ``eos_token_id``.
    """
    ends = named if isinstance(named, Sequence) else [named]
    return frozenset({*ends, tokenizer.eos_token_id} - {None})
