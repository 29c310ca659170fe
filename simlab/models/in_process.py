"""Models that transformers computes in the process that asks."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from simlab.models.held import ENGINES_HERE
from simlab.models.model import Completion, Prompt, Sampling, name_with_adapter
from simlab.models.sizes import weights_bytes
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
        device: Where to compute; ``"auto"`` takes a GPU if there is one.
        max_batch: The most completions drawn at once.
        max_adapters: The most adapters kept in memory; others are read again when they are asked.
        threads: Cores to use; None for all that the process may use but one.
        cache_tokens: The most prompt tokens kept for requests that begin alike.
        adapter: Folder of an adapter, see `Model.with_adapter`.
    """

    name: str
    weights: str = EMBEDDED
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    max_batch: int = 32
    max_adapters: int = 4
    threads: int | None = None
    cache_tokens: int = 8192
    adapter: str | None = None

    def __post_init__(self) -> None:
        leasts = {"max_batch": 1, "max_adapters": 1, "threads": 1, "cache_tokens": 0}
        for name, least in leasts.items():
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
        return await engine.generate(
            prompt, sampling, session=session, model=self.name, adapter=self.adapter
        )

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`."""
        engine = await self.load()
        return await engine.choice_logprobs(prompt, choices, adapter=self.adapter)

    def with_adapter(self, path: str | None) -> Self:
        """This model with an adapter folder, or without any; see `Model.with_adapter`."""
        return replace(self, name=name_with_adapter(self.name, path), adapter=path)

    def memory_bytes(self) -> int:
        """About how much memory its engine takes."""
        return weights_bytes(self.folder(), self.dtype)

    def open(self) -> "TransformersEngine":
        """The engine behind this model, loaded if it is not yet; blocks for as long as that takes.

        Raises:
            ConfigError: The weights cannot be had or loaded.
        """
        engine: TransformersEngine = ENGINES_HERE.open(self._key, self._make_engine)
        return engine

    async def load(self) -> "TransformersEngine":
        """The engine behind this model; see `open`."""
        found = ENGINES_HERE.find(self._key)
        return found if found is not None else await asyncio.to_thread(self.open)

    async def close(self) -> None:
        """End the engine of these options in this process; a later call loads it anew."""
        await ENGINES_HERE.close(self._key)

    def folder(self) -> Path:
        """Where the weights are; see `Held.folder`."""
        return resolve(self.weights)

    @property
    def _key(self) -> Any:
        """What makes two engines the same: all but the name and the adapter."""
        return replace(self, name="", adapter=None)

    def _make_engine(self) -> "TransformersEngine":
        folder = self.folder()
        # Imported here because torch takes seconds, which neither a run without weights nor the
        # refusal of weights that are missing should pay.
        from simlab.models.transformers.engine import TransformersEngine

        return TransformersEngine(
            str(folder),
            dtype=self.dtype,
            device=self.device,
            max_batch=self.max_batch,
            max_adapters=self.max_adapters,
            threads=self.threads,
            cache_tokens=self.cache_tokens,
        )
