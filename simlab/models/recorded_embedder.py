"""An embedder whose every call is an effect, which a replay reads from the record."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simlab.models.embedder import Embedder, Vectors, checked_texts
from simlab.trace.tracing import effect

_LITTLE_ENDIAN = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """What an embedder was asked.

    Attributes:
        model: The exact version.
        texts: To be embedded.
    """

    model: str
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class RecordedEmbedder:
    """Passes each call to another embedder through `simlab.trace.effect`.

    The record holds each vector as little-endian float32: 4 bytes for each dimension, once for all
    texts that are alike.

    Attributes:
        inner: Makes the calls that are not in the record.
    """

    inner: Embedder

    @property
    def name(self) -> str:
        """The exact version."""
        return self.inner.name

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """The vector of each text; see `Embedder.embed`.

        Raises:
            ModelError: The embedder did not answer, now or when it was recorded.
            ReplayDivergence: The record has another call in this place.
        """

        async def call(_: int) -> list[bytes]:
            vectors = await self.inner.embed(texts)
            return [row.tobytes() for row in vectors.astype(_LITTLE_ENDIAN)]

        request = EmbeddingRequest(self.inner.name, checked_texts(texts))
        rows: list[bytes] = await effect("embedding", request, call, returns=list[bytes])
        return np.array([np.frombuffer(row, _LITTLE_ENDIAN) for row in rows], dtype=np.float32)
