"""Embedders that transformers computes in the process that asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from simlab.models.embedder import Vectors, checked_texts
from simlab.models.in_process import InProcess
from simlab.models.meter import charge
from simlab.models.sizes import weights_bytes
from simlab.models.weights import resolve

if TYPE_CHECKING:
    from simlab.models.transformers.embedding_engine import TransformersEmbeddingEngine


@dataclass(frozen=True, slots=True)
class TransformersEmbedder(InProcess["TransformersEmbeddingEngine"]):
    """A model of the sentence-transformers family, computed in the process that calls it.

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
        embedding = await (await self.load()).embed(texts)
        charge(embedding.usage)
        return embedding.vectors

    def folder(self) -> Path:
        """Where the weights are; see `Held.folder`."""
        return resolve(self.weights, embeds=True)

    def memory_bytes(self) -> int:
        """About how much memory its engine takes."""
        return weights_bytes(self.folder(), "float32")

    def gpus(self) -> int:
        """How many GPUs its engine computes on; see `Held.gpus`."""
        return 0 if self.device == "cpu" else 1

    def _make_engine(self) -> "TransformersEmbeddingEngine":
        folder = self.folder()
        # Imported here because torch takes seconds, which neither a run without weights nor the
        # refusal of weights that are missing should pay.
        from simlab.models.transformers.embedding_engine import TransformersEmbeddingEngine

        return TransformersEmbeddingEngine(
            folder, device=self.device, max_batch=self.max_batch, threads=self.threads
        )
