"""An embedder whose every call is an effect, which a replay reads from the record."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simlab.models.embedder import Embedder, Embedding, Vectors, checked_texts, embedding_of
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


class _Rows(list[bytes]):
    """The bytes of each vector, and what they cost."""

    def __init__(self, embedding: Embedding) -> None:
        super().__init__(row.tobytes() for row in embedding.vectors.astype(_LITTLE_ENDIAN))
        self._usage = embedding.usage

    def __cost__(self) -> dict[str, float]:
        """What the log keeps beside the vectors, and no digest knows of."""
        return self._usage.__cost__()


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
            return _Rows(await embedding_of(self.inner, texts))

        request = EmbeddingRequest(self.inner.name, checked_texts(texts))
        rows: list[bytes] = await effect("embedding", request, call, returns=list[bytes])
        return np.array([np.frombuffer(row, _LITTLE_ENDIAN) for row in rows], dtype=np.float32)
