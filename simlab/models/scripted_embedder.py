"""An embedder that needs no weights: texts are near if they share words."""

import asyncio
import functools
import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simlab.models.embedder import Vectors, checked_texts
from simlab.models.meter import charge
from simlab.models.model import Usage
from simlab.models.scripted import CHARACTERS

DIMENSION = 256
"""Of its vectors: the more, the less alike are words that have nothing in common."""

_WORD = re.compile(r"\w+")
_MAX_KNOWN = 8192


@dataclass(frozen=True, slots=True)
class ScriptedEmbedder:
    """Gives each word a direction of its own, and each text the sum of its words.

    A word weighs as much as it has letters, so that it matters little that texts share words such
    as "the" and "is". Neither case nor order matters, nor how often a word occurs.

    Example::

        ann, bob, weather = await ScriptedEmbedder("near").embed(
            ["Ann is fond of tulips.", "Does Bob like tulips?", "Rain is expected."]
        )
        assert ann @ bob > ann @ weather

    Attributes:
        name: The exact version.
        latency_s: Each call takes this long.

    Raises:
        ValueError: `latency_s` is negative or not finite.
    """

    name: str
    latency_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.latency_s < math.inf:
            raise ValueError(f"latency_s must be at least 0 and finite, got {self.latency_s!r}")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """The vector of each text, ``(texts, DIMENSION)``; see `Embedder.embed`."""
        texts = checked_texts(texts)
        vectors = np.array([_vector(text) for text in texts], dtype=np.float32)
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        charge(Usage(sum(len(text) // CHARACTERS + 1 for text in texts)))
        return vectors


def _vector(text: str) -> NDArray[np.floating]:
    """A text's vector; one without words, such as an emoji, is a word itself."""
    words = sorted(set(_WORD.findall(text.casefold()))) or [text]
    total = sum((max(1, len(word)) * _direction(word) for word in words), np.zeros(DIMENSION))
    return total / np.linalg.norm(total)


@functools.lru_cache(maxsize=_MAX_KNOWN)
def _direction(word: str) -> NDArray[np.floating]:
    """A word's own vector of 1 and -1."""
    digest = hashlib.blake2b(word.encode(errors="replace"), digest_size=DIMENSION // 8).digest()
    bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8))
    return bits * 2.0 - 1.0
