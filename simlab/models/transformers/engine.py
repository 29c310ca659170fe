"""Language models in this process, on the CPU, through transformers."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from simlab.errors import ConfigError, EngineDiedError, ModelError
from simlab.models.cores import spare_cores
from simlab.models.held import EngineStatistics
from simlab.models.model import Completion, Prompt, Sampling
from simlab.models.render import Renderer
from simlab.models.transformers.attention import ATTENTION
from simlab.models.transformers.decode import Decoder, DecodeRequest
from simlab.models.transformers.decode_thread import DecodeThread
from simlab.models.transformers.network import Network
from simlab.models.weights import EMBEDDED, resolve

DTYPES = ("float32", "bfloat16", "float16")
"""What weights can be computed in."""


class TransformersEngine:
    """Completes prompts with weights of its own, many at once.

    Requests join and leave the batch at any token. A seeded completion is the same whatever is
    computed beside it, on one machine with one number of threads and one dtype.

    In float32 log-probabilities agree with other engines to 1e-3. In bfloat16 they do not (mean
    error 0.04), but a CPU that has it in hardware reads and draws much faster.

    Example:
        ``completion = await TransformersEngine().generate([ChatMessage("user", "Hi")])``

    Args:
        weights: ``"embedded"``, a folder or a hub id, as `resolve` takes it.
        dtype: One of `DTYPES`.
        max_batch: The most completions drawn at once; more wait.
        threads: Cores to use; None for all that the process may use but one.
        cache_tokens: The most prompt tokens kept for requests that begin alike.

    Raises:
        ConfigError: The weights cannot be had or loaded.
    """

    def __init__(
        self,
        weights: str = EMBEDDED,
        *,
        dtype: str = "float32",
        max_batch: int = 32,
        threads: int | None = None,
        cache_tokens: int = 8192,
    ) -> None:
        folder = resolve(weights)
        self._thread = DecodeThread(
            partial(_load_decoder, folder, dtype, cache_tokens),
            max_batch=max_batch,
            threads=threads or spare_cores(),
        )

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
        _check(sampling)
        _check_adapter(adapter)
        request = DecodeRequest(prompt, sampling, session, model)
        return await asyncio.wrap_future(self._thread.decode(request))

    async def choice_logprobs(
        self, prompt: Prompt, choices: Sequence[str], *, adapter: str | None = None
    ) -> Mapping[str, float]:
        """The log-probability of each choice; see `simlab.models.model.Model.choice_logprobs`.

        Each choice is cut into tokens by itself, as if it were drawn after the prompt.

        Raises:
            ModelError: There are no choices, one is empty, or the prompt cannot be read.
        """
        _check_adapter(adapter)
        if not choices or not all(choices):
            raise ModelError(f"choices must be one text or more, none empty, got {choices!r}")
        logprobs = await asyncio.wrap_future(self._thread.score(prompt, choices))
        return dict(zip(choices, logprobs, strict=True))

    def statistics(self) -> EngineStatistics:
        """What the engine is busy with."""
        return self._thread.statistics()

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


def _check(sampling: Sampling) -> None:
    """Refuse what cannot be drawn as it is asked for."""
    if sampling.max_tokens < 1 or sampling.temperature < 0 or not 0 < sampling.top_p <= 1:
        raise ModelError(
            "sampling must have max_tokens >= 1, temperature >= 0 and top_p in (0, 1], "
            f"got {sampling!r}"
        )
    if sampling.schema is not None:
        raise ModelError(
            "the transformers engine cannot hold a completion to a schema; ask without one and "
            "check the answer, or serve the model with vLLM"
        )
    if sampling.exact and sampling.seed is None and sampling.temperature > 0:
        raise ModelError("an exact completion needs a seed, got None; give one, or temperature 0")


def _check_adapter(adapter: str | None) -> None:
    if adapter is not None:
        raise ModelError(f"the transformers engine takes no adapters, got {adapter!r}")


def _load_decoder(folder: Path, dtype: str, cache_tokens: int) -> Decoder:
    """The decoder of the weights in `folder`."""
    with _quiet():
        tokenizer, model = _load(folder, dtype)
    return Decoder(
        Network(model),
        Renderer(tokenizer),
        ends=_ends(tokenizer, model),
        max_tokens=model.config.get_text_config().max_position_embeddings,
        cache_tokens=cache_tokens,
    )


def _load(folder: Path, dtype: str) -> tuple[Any, Any]:
    """The tokenizer and the model in `folder`, in evaluation mode, with our attention."""
    if dtype not in DTYPES:
        raise ConfigError(f"dtype must be one of {DTYPES!r}, got {dtype!r}")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            attn_implementation=ATTENTION,
            local_files_only=True,
        )
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"weights in {str(folder)!r} cannot be loaded: {error}") from error
    if not model._supports_attention_backend:
        raise ConfigError(
            f"{type(model).__name__} does not let its attention be replaced; serve it with vLLM"
        )
    return tokenizer, model.eval()


def _ends(tokenizer: Any, model: Any) -> set[int]:
    """The tokens that end a turn, as the tokenizer and the generation settings name them."""
    named = model.generation_config.eos_token_id
    ends = set(named if isinstance(named, list) else [named])
    return (ends | {tokenizer.eos_token_id}) - {None}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' bars and notes off the terminal, and leave its settings as they were."""
    settings: Any = logging  # its functions bear no types
    verbosity, bars = settings.get_verbosity(), settings.is_progress_bar_enabled()
    settings.set_verbosity_error()
    settings.disable_progress_bar()
    try:
        yield
    finally:
        settings.set_verbosity(verbosity)
        if bars:
            settings.enable_progress_bar()
