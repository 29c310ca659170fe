"""Token ids in, token ids out: ``/completions``, as vLLM serves it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from simlab.errors import ModelError
from simlab.models.choices import check_choices, score_choices, shared_usage, spent_in_vain
from simlab.models.http.adapters import ServerAdapters
from simlab.models.http.client import Client
from simlab.models.http.drawing import drawing
from simlab.models.http.rendering import Rendering, RenderingHere, RenderingThere
from simlab.models.http.replies import TextChoice, first_choice, read_reply
from simlab.models.model import ChoiceLogprobs, Completion, Prompt, Sampling, Usage
from simlab.models.tool_reading import read_spoken

if TYPE_CHECKING:
    from simlab.models.endpoint import EndpointModel

_AS_ASKED = {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
"""Sent to vLLM, which else draws by settings that it finds beside the weights."""

_MOST_SCORED = 128
"""vLLM scores so many tokens in one request."""


class TokenApi:
    """Completes token ids, and scores choices where vLLM serves.

    Args:
        model: Says how.
        client: Asks.
    """

    def __init__(self, model: "EndpointModel", client: Client) -> None:
        self._model = model
        self._client = client
        self._url = f"{model.url}/completions"
        self._vllm = model.server == "vllm"
        self._adapters = ServerAdapters(client, model.url, model.served)
        self._rendering: Rendering = (
            RenderingThere(client, f"{model.url.removesuffix('/v1')}/tokenize", model.served)
            if model.tokenizer is None
            else RenderingHere(model.tokenizer)
        )

    async def generate(
        self, prompt: Prompt, sampling: Sampling, adapter: str | None = None
    ) -> Completion:
        """Complete a prompt.

        Raises:
            ModelError: The prompt or the adapter is not taken, or the server failed.
            ConfigError: The tokenizer cannot be had.
        """
        ids = await self._rendering.prompt_ids(prompt, sampling.tools)
        asked = {**drawing(sampling, seeds=self._model.seeds), "return_token_ids": True}
        if sampling.logprobs:
            asked["logprobs"] = 1
        choice, usage = await self._ask(ids, asked, adapter)
        self._check(ids, choice, usage)
        spoken = read_spoken(choice.text, sampling.tools)
        return Completion(
            spoken.words,
            prompt_ids=tuple(ids),
            token_ids=tuple(choice.token_ids or ()),
            logprobs=choice.token_logprobs if sampling.logprobs else (),
            finish=choice.finish,
            usage=usage,
            calls=spoken.calls,
        )

    async def choice_logprobs(
        self, prompt: Prompt, choices: Sequence[str], adapter: str | None = None
    ) -> ChoiceLogprobs:
        """The log-probability of each choice, cut into tokens by itself; see `branches`.

        Raises:
            ModelError: There are no choices, or the server does not score them.
        """
        check_choices(choices)
        ids = await self._rendering.prompt_ids(prompt)
        tokens = {choice: tuple(await self._rendering.text_ids(choice)) for choice in choices}
        return await score_choices(ids, tokens, partial(self._score, adapter=adapter))

    async def _score(
        self, ids: Sequence[int], tokens: Sequence[int], *, adapter: str | None
    ) -> tuple[dict[int, float], Usage]:
        """The log-probability of each of these tokens as the next one, and what that took."""
        found: dict[str, float] = {}
        usages: list[Usage] = []
        for start in range(0, len(tokens), _MOST_SCORED):
            asked = {
                "max_tokens": 1,
                "temperature": 1.0,
                "seed": 0,
                "logprobs": 1,
                "logprob_token_ids": tokens[start : start + _MOST_SCORED],
                "return_tokens_as_token_ids": True,
            }
            try:
                choice, usage = await self._ask(ids, asked, adapter)
            except ModelError as error:
                error.usage = spent_in_vain(len(ids), usages, [error])
                raise
            found |= choice.next_logprobs
            usages.append(usage)
        together = shared_usage(len(ids), usages)
        try:
            return {token: found[f"token_id:{token}"] for token in tokens}, together
        except KeyError as error:
            raise ModelError.of(
                f"{self._url} does not score the tokens it was asked for; this needs vLLM that "
                "knows logprob_token_ids, such as 0.29",
                together,
            ) from error

    async def _ask(
        self, ids: Sequence[int], asked: Mapping[str, Any], adapter: str | None
    ) -> tuple[TextChoice, Usage]:
        asked = {"prompt": ids, **asked, **(_AS_ASKED if self._vllm else {})}
        async with self._adapters.asked(adapter) as model:
            answer = await self._client.ask(self._url, {"model": model, **asked}, read_reply)
        return first_choice(answer, TextChoice, self._model)

    def _check(self, ids: list[int], choice: TextChoice, usage: Usage) -> None:
        """See that the server read the ids that were sent, and gives those that it drew."""
        if choice.prompt_token_ids not in (None, ids):
            raise ModelError.of(
                f"{self._url} read other token ids than it was sent: {len(ids)} became "
                f"{len(choice.prompt_token_ids or ())}; serve it without a truncated prompt",
                usage,
            )
        if self._vllm and choice.token_ids is None:
            raise ModelError.of(
                f"{self._url} gives no token ids, which every vLLM does from 0.10.2 on; leave out "
                "server: vllm if it is none",
                usage,
            )
