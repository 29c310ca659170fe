"""An endpoint, as one event loop of a process asks it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simlab.errors import ModelError
from simlab.models.grammar_schema import check_schema_alone
from simlab.models.http.chat import ChatApi
from simlab.models.http.client import Client
from simlab.models.http.drawing import check_drawn
from simlab.models.http.tokens import TokenApi
from simlab.models.model import Completion, Prompt, Sampling

if TYPE_CHECKING:
    from simlab.models.endpoint import EndpointModel

_SERVE = "serve the model with vLLM and set server: vllm"


class Endpoint:
    """Completes prompts at an endpoint; what that cannot do is refused before it is asked.

    Args:
        model: Says which endpoint, and how to ask it.
        client: Asks.
    """

    def __init__(self, model: "EndpointModel", client: Client) -> None:
        self._model = model
        self._chat = ChatApi(model, client)
        takes_ids = model.server == "vllm" or model.tokenizer is not None
        self._tokens = TokenApi(model, client) if takes_ids else None

    async def generate(
        self, prompt: Prompt, sampling: Sampling, *, model: str, adapter: str | None = None
    ) -> Completion:
        """Complete a prompt; the completion bears the name `model`.

        Raises:
            ModelError: The endpoint failed, or cannot do what is asked.
            ConfigError: The key or the tokenizer is not there.
        """
        self._check(prompt, sampling, adapter)
        if self._tokens is None:
            completion = await self._chat.generate(prompt, sampling)
        else:
            completion = await self._tokens.generate(prompt, sampling, adapter)
        check_drawn(completion, sampling, self._model.url)
        return replace(completion, model=model)

    async def choice_logprobs(
        self, prompt: Prompt, choices: Sequence[str], *, adapter: str | None = None
    ) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`.

        Raises:
            ModelError: The endpoint failed, or is no vLLM server, as only those score choices.
            ConfigError: The key or the tokenizer is not there.
        """
        if self._tokens is None or self._model.server != "vllm":
            raise ModelError(
                f"{self._model.url} cannot score choices exactly, as rating judges ask for; "
                f"{_SERVE}, or take a rubric judge"
            )
        return await self._tokens.choice_logprobs(prompt, choices, adapter)

    def _check(self, prompt: Prompt, sampling: Sampling, adapter: str | None) -> None:
        """Refuse what an endpoint would pass over."""
        if sampling.exact:
            raise ModelError(
                f"{self._model.url} promises no exact completions, got exact {sampling.exact!r}; "
                "leave it out, or take engine 'transformers'"
            )
        if adapter is not None and self._model.server != "vllm":
            raise ModelError(f"{self._model.url} takes no adapters, got {adapter!r}; {_SERVE}")
        check_schema_alone(prompt, sampling)
