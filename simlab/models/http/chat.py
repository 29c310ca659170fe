"""Chats in, words out: ``/chat/completions``, which every endpoint has."""

from typing import TYPE_CHECKING, Any

from simlab.errors import ModelError
from simlab.models.http.client import Client
from simlab.models.http.drawing import drawing
from simlab.models.http.replies import ChatChoice, first_choice, read_reply
from simlab.models.model import ChatMessage, Completion, Prompt, Sampling
from simlab.models.tool_call import ToolCall
from simlab.models.tool_reading import read_spoken

if TYPE_CHECKING:
    from simlab.models.endpoint import EndpointModel

_UNREAD = "unreadable"
"""The name of a call that has none, which endpoints do not take."""

_TAKES_IDS = "serve the model with vLLM and set server: vllm, or give a tokenizer"


class ChatApi:
    """Completes chats by the endpoint's own template; knows no token ids.

    Args:
        model: Says how.
        client: Asks.
    """

    def __init__(self, model: "EndpointModel", client: Client) -> None:
        self._model = model
        self._client = client
        self._url = f"{model.url}/chat/completions"

    async def generate(self, prompt: Prompt, sampling: Sampling) -> Completion:
        """Complete a chat.

        Raises:
            ModelError: The prompt is of ids or ends in a begun reply, or the endpoint failed.
        """
        asked = {
            "model": self._model.served,
            "messages": [_turn(message) for message in self._chat(prompt)],
            **drawing(sampling, limit=self._model.limit, seeds=self._model.seeds),
        }
        if sampling.logprobs:
            asked["logprobs"] = True
        if sampling.tools:
            asked["tools"] = [tool.as_function() for tool in sampling.tools]
        answer = await self._client.ask(self._url, asked, read_reply)
        choice, usage = first_choice(answer, ChatChoice, self._model)
        spoken = read_spoken(choice.text, () if choice.calls else sampling.tools)
        return Completion(
            spoken.words,
            logprobs=choice.token_logprobs,
            finish=choice.finish,
            usage=usage,
            calls=choice.calls or spoken.calls,
        )

    def _chat(self, prompt: Prompt) -> list[ChatMessage]:
        """The messages of a prompt that an endpoint takes as they are meant."""
        messages = [part for part in prompt if isinstance(part, ChatMessage)]
        if not messages or len(messages) < len(prompt):
            raise ModelError(f"{self._url} takes a chat, got {prompt!r}; {_TAKES_IDS}")
        if messages[-1].role == "assistant":
            raise ModelError(
                f"{self._url} cannot go on from a begun reply, got {messages[-1].text!r}; set "
                f"begin: false on the agents that this model plays, or {_TAKES_IDS}"
            )
        return messages


def _turn(message: ChatMessage) -> dict[str, Any]:
    """A message as the API takes it."""
    turn: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.calls and message.role == "tool":
        turn["tool_call_id"] = message.calls[0].id
    elif message.calls:
        turn["tool_calls"] = [_call(call) for call in message.calls]
    return turn


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name or _UNREAD, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}
