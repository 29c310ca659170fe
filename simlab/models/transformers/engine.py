"""Language models in this process, through transformers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from simlab.errors import EngineDiedError, ModelError
from simlab.models.choices import check_choices
from simlab.models.cores import spare_cores
from simlab.models.grammar_schema import check_schema_alone
from simlab.models.held import EngineStatistics
from simlab.models.model import ChoiceLogprobs, Completion, Prompt, Sampling
from simlab.models.render import Renderer
from simlab.models.transformers.adapter import Adapter, read_adapter
from simlab.models.transformers.adapter_cache import AdapterCache
from simlab.models.transformers.decode import Decoder
from simlab.models.transformers.decode_thread import DecodeThread
from simlab.models.transformers.drawing import DecodeRequest
from simlab.models.transformers.grammar import Grammar, Grammars
from simlab.models.transformers.loading import load_weights
from simlab.models.transformers.network import Network
from simlab.models.transformers.scoring import ScoreRequest
from simlab.models.weights import EMBEDDED, resolve


class TransformersEngine:
    """Completes prompts with weights of its own, many at once.

    Requests join and leave the batch at any token, those of several adapters side by side. A seeded
    completion is the same whatever is computed beside it, on one machine with one number of threads
    and one dtype.

    In float32 log-probabilities agree with other engines to 1e-3. In bfloat16 they do not (mean
    error 0.04), but a CPU that has it in hardware reads and draws much faster.

    Example:
        ``completion = await TransformersEngine().generate([ChatMessage("user", "Hi")])``

    Args:
        weights: ``"embedded"``, a folder or a hub id, as `resolve` takes it.
        dtype: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        device: ``"cpu"``, ``"cuda"``, or ``"auto"`` for a GPU if there is one.
        max_batch: The most completions and ratings computed at once; more wait.
        max_adapters: The most adapters kept in memory.
        threads: Cores to use; None for all that the process may use but one.
        cache_tokens: The most prompt tokens kept for requests that begin alike.

    Raises:
        ConfigError: The weights cannot be had or loaded.
    """

    _adapters: AdapterCache
    _grammars: Grammars

    def __init__(
        self,
        weights: str = EMBEDDED,
        *,
        dtype: str = "float32",
        device: str = "auto",
        max_batch: int = 32,
        max_adapters: int = 4,
        threads: int | None = None,
        cache_tokens: int = 8192,
    ) -> None:
        load = partial(
            self._load,
            resolve(weights),
            dtype=dtype,
            device=device,
            max_adapters=max_adapters,
            cache_tokens=cache_tokens,
        )
        self._thread = DecodeThread(load, max_batch=max_batch, threads=threads or spare_cores())

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling = Sampling(),
        *,
        session: str | None = None,
        model: str = "",
        adapter: str | None = None,
    ) -> Completion:
        """Complete a prompt; see `simlab.models.model.Model.generate`.

        Args:
            prompt: A chat or token ids.
            sampling: How to draw.
            session: Whose prompts extend each other; only what is new of one is read.
            model: The name that the completion bears.
            adapter: Folder of an adapter.

        Raises:
            ModelError: The request cannot be met, or the engine is closed.
        """
        _check(prompt, sampling)
        loaded, grammar = await self._adapter(adapter), await self._grammar(sampling.schema)
        request = DecodeRequest(prompt, sampling, session, model, loaded, grammar)
        return await asyncio.wrap_future(self._thread.decode(request))

    async def choice_logprobs(
        self, prompt: Prompt, choices: Sequence[str], *, adapter: str | None = None
    ) -> ChoiceLogprobs:
        """The log-probability of each choice; see `simlab.models.model.Model.choice_logprobs`.

        Each choice is cut into tokens by itself, as if it were drawn after the prompt.

        Raises:
            ModelError: There are no choices, one is empty, or the prompt cannot be read.
        """
        check_choices(choices)
        request = ScoreRequest(prompt, choices, await self._adapter(adapter))
        return await asyncio.wrap_future(self._thread.score(request))

    def statistics(self) -> EngineStatistics:
        """What the engine is busy with."""
        return replace(self._thread.statistics(), adapters=self._adapters.names)

    async def check_health(self) -> None:
        """Raise if the engine can answer no more.

        Raises:
            EngineDiedError: Its thread has ended.
        """
        if not self._thread.alive:
            raise EngineDiedError("the thread of the transformers engine has ended")

    def close(self) -> None:
        """End the engine's thread; requests that are not done fail with ModelError."""
        self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _load(
        self, folder: Path, *, dtype: str, device: str, max_adapters: int, cache_tokens: int
    ) -> Decoder:
        """On the decoder's own thread: the decoder, and what is asked beside it."""
        weights = load_weights(folder, dtype=dtype, device=device)
        network = Network(weights.model)
        self._adapters = AdapterCache(partial(read_adapter, shapes=network.shapes), max_adapters)
        self._grammars = Grammars(weights.tokenizer, n_logits=weights.n_logits, ends=weights.ends)
        return Decoder(
            network,
            Renderer(weights.tokenizer),
            ends=weights.ends,
            max_tokens=weights.max_tokens,
            cache_tokens=cache_tokens,
        )

    async def _adapter(self, path: str | None) -> Adapter | None:
        """The adapter in a folder, read beside the decoder's thread if it is not in memory."""
        if path is None:
            return None
        return self._adapters.find(path) or await asyncio.to_thread(self._adapters.open, path)

    async def _grammar(self, schema: Mapping[str, Any] | None) -> Grammar | None:
        """The grammar of a schema, compiled beside the decoder's thread."""
        return None if schema is None else await asyncio.to_thread(self._grammars.open, schema)


def _check(prompt: Prompt, sampling: Sampling) -> None:
    """Refuse what cannot be drawn as it is asked for."""
    if sampling.max_tokens < 1 or not sampling.temperature >= 0 or not 0 < sampling.top_p <= 1:
        raise ModelError(
            "sampling must have max_tokens >= 1, temperature >= 0 and top_p in (0, 1], "
            f"got {sampling!r}"
        )
    if sampling.exact and sampling.seed is None and sampling.temperature > 0:
        raise ModelError("an exact completion needs a seed, got None; give one, or temperature 0")
    check_schema_alone(prompt, sampling)
