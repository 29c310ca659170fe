"""Between chats and token ids: pure functions of a tokenizer and its chat template."""

from collections.abc import Sequence
from typing import Any, Protocol

from jinja2 import TemplateError

from simlab.errors import ModelError
from simlab.models.model import ChatMessage, Prompt

_OVERLAP = 4
"""Prompt tokens that are decoded with the drawn ones, so that a first word keeps its space."""


class Tokenizer(Protocol):
    """What is used of a tokenizer of transformers."""

    chat_template: Any

    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, tokenize: bool, add_generation_prompt: bool
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
    """Renders prompts for one tokenizer.

    Where the template knows no system turn, its words go before those of the next user turn. A last
    message by the assistant is written without its end, for the model to go on from.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._size = len(tokenizer)
        self._knows_system = tokenizer.chat_template is not None and self._try_system()

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """The ids that the model reads; those of a prompt that is ids already are not changed.

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
            return self.text_ids(self._chat_text(messages))
        if unknown := [token for token in ids if not 0 <= token < self._size]:
            raise ModelError(f"token ids must be in [0, {self._size}), got {unknown[0]!r}")
        return ids

    def text_ids(self, text: str) -> list[int]:
        """The ids of a text, with nothing put before or after it."""
        return self._tokenizer.encode(text, add_special_tokens=False)

    def continuation(self, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> str:
        """The words of `token_ids` as they go on from `prompt_ids`, without special tokens."""
        before = list(prompt_ids[-_OVERLAP:])
        start = len(self._decode(before))
        return self._decode(before + list(token_ids))[start:]

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text

    def _chat_text(self, messages: Sequence[ChatMessage]) -> str:
        if self._tokenizer.chat_template is None:
            raise ModelError(
                "a chat needs a chat template, which this tokenizer lacks; send token ids"
            )
        begun = messages[-1].text if messages[-1].role == "assistant" else ""
        closed = messages[:-1] if messages[-1].role == "assistant" else messages
        if not self._knows_system:
            closed = _fold_system(closed)
        try:
            return self._apply_template(closed) + begun
        except TemplateError as error:
            roles = [message.role for message in messages]
            raise ModelError(
                f"the chat template refuses a chat of roles {roles!r}: {str(error).rstrip('.')}"
            ) from error

    def _apply_template(self, messages: Sequence[ChatMessage]) -> str:
        text: str = self._tokenizer.apply_chat_template(
            [{"role": message.role, "content": message.text} for message in messages],
            tokenize=False,
            add_generation_prompt=True,
        )
        return text

    def _try_system(self) -> bool:
        """Whether the words of a system turn reach the rendered text."""
        try:
            return "simlab-system" in self._apply_template(
                [ChatMessage("system", "simlab-system"), ChatMessage("user", "hello")]
            )
        except TemplateError:
            return False


def _fold_system(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The chat with each system turn put before the words of the user turn that follows it."""
    folded: list[ChatMessage] = []
    held: list[str] = []
    for message in messages:
        if message.role == "system":
            held.append(message.text)
        elif message.role == "user" and held:
            folded.append(ChatMessage("user", "\n\n".join([*held, message.text])))
            held = []
        else:
            folded.append(message)
    if held:
        folded.append(ChatMessage("user", "\n\n".join(held)))
    return folded
