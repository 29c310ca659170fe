"""Embedders that transformers computes in the process that asks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from simlab.models.embedder import Vectors, checked_texts
from simlab.models.held import ENGINES_HERE
from simlab.models.sizes import weights_bytes
from simlab.models.weights import EMBEDDED, resolve

if TYPE_CHECKING:
    from simlab.models.transformers.embedding_engine import TransformersEmbeddingEngine


@dataclass(frozen=True, slots=True)
class TransformersEmbedder:
    """A model of the sentence-transformers family, computed in the process that calls it.

    A value that pickles. The weights are loaded when they are first needed, in a thread, once for
    all values of equal options.

    Example::

        embedder = TransformersEmbedder("near", weights="embedded")
        eats, dines, car = await embedder.embed(["She eats.", "She dines.", "The car is red."])
        assert eats @ dines > eats @ car

    Attributes:
        name: The exact version.
        weights: ``"embedded"`` (all-MiniLM-L6-v2, 384 dimensions), a folder or a hub id.
        device: Where to compute; ``"auto"`` takes a GPU if there is one.
        max_batch: The most texts embedded at once.
        threads: Cores to use; None for all that the process may use but one.
    """

    name: str
    weights: str = EMBEDDED
    device: Literal["auto", "cpu", "cuda"] = "auto"
    max_batch: int = 64
    threads: int | None = None

    def __post_init__(self) -> None:
        for option in ("max_batch", "threads"):
            value = getattr(self, option)
            if value is not None and value < 1:
                raise ValueError(f"{option} must be at least 1, got {value!r}")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """The vector of each text; see `Embedder.embed`.

        Of a text that is longer than the weights were trained for, the rest is left unread.

        Raises:
            ModelError: The engine was closed meanwhile.
            ConfigError: The weights cannot be had or loaded.
        """
        texts = checked_texts(texts)
        return await (await self.load()).embed(texts)

    def folder(self) -> Path:
        """Where the weights are; see `Held.folder`."""
        return resolve(self.weights, embeds=True)

    def memory_bytes(self) -> int:
        """About how much memory its engine takes."""
        return weights_bytes(self.folder(), "float32")

    def open(self) -> "TransformersEmbeddingEngine":
        """The engine behind this embedder, loaded if it is not yet; blocks while that takes.

        Raises:
            ConfigError: The weights cannot be had or loaded.
        """
        engine: TransformersEmbeddingEngine = ENGINES_HERE.open(self._key, self._make_engine)
        return engine

    async def load(self) -> "TransformersEmbeddingEngine":
        """The engine behind this embedder; see `open`."""
        found = ENGINES_HERE.find(self._key)
        return found if found is not None else await asyncio.to_thread(self.open)

    async def close(self) -> None:
        """End the engine of these options in this process; a later call loads it anew."""
        await ENGINES_HERE.close(self._key)

    @property
    def _key(self) -> Any:
        """What makes two engines the same: all but the name."""
        return replace(self, name="")

    def _make_engine(self) -> "TransformersEmbeddingEngine":
        folder = self.folder()
        # Imported here because torch takes seconds, which neither a run without weights nor the
        # refusal of weights that are missing should pay.
        from simlab.models.transformers.embedding_engine import TransformersEmbeddingEngine

        return TransformersEmbeddingEngine(
            folder, device=self.device, max_batch=self.max_batch, threads=self.threads
        )
