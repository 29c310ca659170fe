"""From chats to token ids, here or at the server."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from simlab.errors import ModelError
from simlab.models.http.client import Client
from simlab.models.model import ChatMessage, Prompt
from simlab.models.render import Renderer
from simlab.models.tool_call import ToolSpec
from simlab.models.tool_words import in_words

_REMEMBERED = 4096
"""So many short texts are cut into tokens at the server once, and then all anew."""


class Rendering(Protocol):
    """Turns prompts and texts into token ids."""

    async def prompt_ids(self, prompt: Prompt, tools: Sequence[ToolSpec] = ()) -> list[int]:
        """The ids that a model reads; those of a prompt that is ids already are not changed."""
        ...

    async def text_ids(self, text: str) -> list[int]:
        """The ids of a text, with nothing put before or after it."""
        ...


class RenderingHere:
    """Renders with a tokenizer that this process loads when it is first needed.

    Args:
        tokenizer: ``"embedded"``, a folder or a hub id.
    """

    def __init__(self, tokenizer: str) -> None:
        self._tokenizer = tokenizer
        self._loading = asyncio.Lock()
        self._renderer: Renderer | None = None

    async def prompt_ids(self, prompt: Prompt, tools: Sequence[ToolSpec] = ()) -> list[int]:
        """See `Renderer.prompt_ids`."""
        return (await self._load()).prompt_ids(prompt, tools)

    async def text_ids(self, text: str) -> list[int]:
        """See `Renderer.text_ids`."""
        return (await self._load()).text_ids(text)

    async def _load(self) -> Renderer:
        async with self._loading:
            if self._renderer is None:
                self._renderer = await asyncio.to_thread(_load_renderer, self._tokenizer)
        return self._renderer


class RenderingThere:
    """Lets a vLLM server render with the chat template that it serves the model with.

    A begun reply follows the rest as tokens of its own, so that no template trims it. Tools are put
    in words, since the template cannot be looked into; a tokenizer of one's own renders them as the
    template does.

    Args:
        client: Asks.
        url: Of the server's ``/tokenize``.
        model: The name of the model there.
    """

    def __init__(self, client: Client, url: str, model: str) -> None:
        self._client = client
        self._url = url
        self._model = model
        self._texts: dict[str, list[int]] = {}

    async def prompt_ids(self, prompt: Prompt, tools: Sequence[ToolSpec] = ()) -> list[int]:
        """See `Rendering.prompt_ids`.

        Raises:
            ModelError: The prompt is empty, mixed, or does not fit the template.
        """
        messages = [part for part in prompt if isinstance(part, ChatMessage)]
        ids = [part for part in prompt if isinstance(part, int)]
        if not prompt or (messages and ids):
            raise ModelError(f"prompt must be messages or token ids, not both, got {prompt!r}")
        if ids:
            return ids
        begun = messages.pop().text if messages[-1].role == "assistant" else ""
        told = in_words(messages, tools)
        return [*await self._chat_ids(told), *await self.text_ids(begun)]

    async def text_ids(self, text: str) -> list[int]:
        """See `Rendering.text_ids`; what was asked before is remembered."""
        if text and text not in self._texts:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            self._texts[text] = await self._ask(prompt=text, add_special_tokens=False)
        return self._texts[text] if text else []

    async def _chat_ids(self, messages: Sequence[ChatMessage]) -> list[int]:
        chat = [{"role": message.role, "content": message.text} for message in messages]
        return await self._ask(messages=chat, add_generation_prompt=True)

    async def _ask(self, **asked: Any) -> list[int]:
        answer = await self._client.ask(self._url, {"model": self._model, **asked}, _read_tokens)
        return answer.value.tokens


class _Tokens(Struct):
    tokens: list[int]


_read_tokens = msgspec.json.Decoder(_Tokens).decode


def _load_renderer(tokenizer: str) -> Renderer:
    # Imported here because transformers takes seconds, which endpoints without it should not pay.
    from simlab.models.transformers.tokenizer import load_renderer

    return load_renderer(tokenizer)
