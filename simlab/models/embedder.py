"""What an embedder is to an agent: a small picklable value that turns texts into vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simlab.models.meter import metered
from simlab.models.model import Model, Usage

Vectors: TypeAlias = NDArray[np.float32]
"""``(texts, dimension)``, every row of length 1, so that a dot product is a cosine."""


@runtime_checkable
class Embedder(Protocol):
    """A small picklable value that gives near vectors to texts of near meaning."""

    @property
    def name(self) -> str:
        """The exact version, such as ``"minilm"``; vectors of other versions mean other things."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """The vector of each text; it does not depend on the other texts.

        What it has read counts if the embedder tells it by `simlab.models.meter.charge`.

        Args:
            texts: At least one.

        Returns:
            ``(texts, dimension)``; the dimension is the same in all calls: 384 for the embedded
            weights, `simlab.models.scripted_embedder.DIMENSION` for the scripted embedder.

        Raises:
            ModelError: The embedder did not answer.
            ValueError: There are no texts, or one text is given in place of several.
        """
        ...


AnyModel: TypeAlias = Model | Embedder
"""What an entry under ``models`` in a run file may be."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What an embedder answered.

    Attributes:
        vectors: Of the texts.
        usage: What they cost.
    """

    vectors: Vectors
    usage: Usage


async def embedding_of(embedder: Embedder, texts: Sequence[str]) -> Embedding:
    """The vectors of texts, and what the embedder says that they cost.

    Raises:
        ModelError: The embedder did not answer.
    """
    with metered() as meter:
        vectors = await embedder.embed(texts)
    return Embedding(vectors, meter.usage)


def checked_texts(texts: Sequence[str]) -> list[str]:
    """The texts that an embedder is given.

    Raises:
        ValueError: There are none, or it is one text, whose letters would be embedded.
    """
    if isinstance(texts, str) or not texts:
        raise ValueError(f"texts must be a list of at least one text, got {texts!r}")
    return list(texts)
