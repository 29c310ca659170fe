"""Models whose weights this process computes with: one engine for all that ask for the same."""

import asyncio
import atexit
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from simlab.errors import ModelError
from simlab.models.model import Completion, Prompt, Sampling
from simlab.models.weights import EMBEDDED, resolve

if TYPE_CHECKING:
    from simlab.models.transformers.engine import TransformersEngine


@dataclass(frozen=True, slots=True)
class TransformersModel:
    """A language model computed in the process that calls it; a value that pickles.

    The weights are loaded when they are first needed, in a thread, once for all values of equal
    options.

    Example::

        model = TransformersModel("small", weights="embedded")
        completion = await model.generate([ChatMessage("user", "Hi")], Sampling(seed=1))

    Attributes:
        name: The exact version.
        weights: ``"embedded"``, a folder or a hub id.
        dtype: What to compute in; see `TransformersEngine` for what it costs.
        max_batch: The most completions drawn at once.
        threads: Cores to use; None for all that the process may use but one.
        cache_tokens: The most prompt tokens kept for requests that begin alike.
    """

    name: str
    weights: str = EMBEDDED
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    max_batch: int = 32
    threads: int | None = None
    cache_tokens: int = 8192

    def __post_init__(self) -> None:
        for name, least in (("max_batch", 1), ("threads", 1), ("cache_tokens", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, got {value!r}")

    async def generate(
        self, prompt: Prompt, sampling: Sampling = Sampling(), *, session: str | None = None
    ) -> Completion:
        """Complete a prompt; see `Model.generate`.

        Raises:
            ModelError: The engine cannot meet the request, or was closed meanwhile.
            ConfigError: The weights cannot be had or loaded.
        """
        engine = await self.load()
        return await engine.generate(prompt, sampling, session=session, model=self.name)

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`."""
        engine = await self.load()
        return await engine.choice_logprobs(prompt, choices)

    def with_adapter(self, path: str | None) -> Self:
        """This model, if no adapter is asked for.

        Raises:
            ModelError: One is.
        """
        if path is not None:
            raise ModelError(
                f"model {self.name!r} computes in process, without adapters, got {path!r}; "
                "adapters come with served models"
            )
        return self

    async def load(self) -> "TransformersEngine":
        """The engine behind this model, loaded if it is not yet.

        Raises:
            ConfigError: The weights cannot be had or loaded.
        """
        found = _engines.get(self._options)
        return found if found is not None else await asyncio.to_thread(self._load)

    async def close(self) -> None:
        """End the engine of these options in this process; a later call loads it anew."""
        with _loading:
            engine = _engines.pop(self._options, None)
        if engine is not None:
            await asyncio.to_thread(engine.close)

    @property
    def _options(self) -> tuple[str, str, int, int | None, int]:
        """What makes two engines the same."""
        return self.weights, self.dtype, self.max_batch, self.threads, self.cache_tokens

    def _load(self) -> "TransformersEngine":
        folder = resolve(self.weights)
        # Imported here because torch takes seconds, which neither a run without weights nor the
        # refusal of weights that are missing should pay.
        from simlab.models.transformers.engine import TransformersEngine

        with _loading:
            if self._options not in _engines:
                _engines[self._options] = TransformersEngine(
                    str(folder),
                    dtype=self.dtype,
                    max_batch=self.max_batch,
                    threads=self.threads,
                    cache_tokens=self.cache_tokens,
                )
            return _engines[self._options]


_engines: "dict[tuple[str, str, int, int | None, int], TransformersEngine]" = {}
"""The engines of this process, by their options."""

_loading = threading.Lock()
"""Held while an engine is loaded, so that two first calls load one engine."""


@atexit.register
def _close_all() -> None:
    """End the threads before the interpreter goes: one that computes then would crash it."""
    for engine in _engines.values():
        engine.close()
