"""A memory that keeps everything and shows what bears on the question at hand."""

import operator
from collections.abc import Iterable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from simlab.agents.memory import ItemMemory, MemoryItem, checked_limit, shortened
from simlab.agents.tokens import TokenCounter, characters
from simlab.agents.turns import SEPARATOR
from simlab.models.embedder import Embedder

_DECAY = 0.995
"""How much less recent an item is for each that came after it."""

_DECIMALS = 6
"""Cosines and scores are rounded, so that the same items are recalled where another machine, in a
replay, adds up in another order."""


class RecallMemory(ItemMemory):
    """Remembers everything, and recalls by meaning what is nearest to a question.

    Each item is embedded once, when it is added. What is shown `about` a question is the last few
    items, then those whose vectors have the highest cosine with the question's, as long as there is
    room; all in the order in which they happened. Without a question the latest are shown, and all
    of them while all have room. A single item over the limit is cut.

    The score of an item may also count how recent and how important it is: the sum of relevance
    (the cosine), recency and importance (`MemoryItem.priority`), each scaled to ``[0, 1]`` over all
    items and weighted (Park et al. 2023, "Generative Agents", section 4.1). There an item is as
    recent as it was last recalled; here as it happened, since asking writes nothing.

    Prompts change from turn to turn, so engines' prefix caches help less than with a window.

    Args:
        embedder: Embeds items and questions.
        max_tokens: The limit of what is shown, separators counted; at least 1.
        n_recent: How many of the last items come first.
        recency: Weight of how recent an item is; that of its relevance is 1.
        importance: Weight of its priority.
        count: Counts tokens.

    Raises:
        ValueError: `max_tokens` is less than 1, or another number is negative.
        TypeError: `n_recent` is no whole number.
    """

    def __init__(
        self,
        embedder: Embedder,
        max_tokens: int = 512,
        *,
        n_recent: int = 4,
        recency: float = 0.0,
        importance: float = 0.0,
        count: TokenCounter = characters,
    ) -> None:
        super().__init__(count=count)
        given = {"n_recent": n_recent, "recency": recency, "importance": importance}
        for name, value in given.items():
            if value < 0:
                raise ValueError(f"{name} must be at least 0, got {value!r}")
        self.max_tokens = checked_limit(max_tokens)
        self.n_recent = operator.index(n_recent)
        self.recency = recency
        self.importance = importance
        self._embedder = embedder
        self._vectors: list[NDArray[np.float32]] = []
        self._costs: list[int] = []

    async def add(self, item: MemoryItem) -> None:
        """Embed and remember one thing more.

        Raises:
            ModelError: The embedder did not answer; nothing is remembered.
        """
        item = shortened(item, self.max_tokens, self._count)
        [vector] = await self._embedder.embed([item.text])
        await super().add(item)
        self._vectors.append(vector)
        self._costs.append(self._count(item.text))

    async def about(self, question: str) -> ItemMemory:
        """What is recalled for a question; see `Memory.about`.

        Raises:
            ModelError: The embedder did not answer.
        """
        latest = range(len(self._items) - 1, -1, -1)
        chosen = self._within(latest)
        if question and len(chosen) < len(self._items):
            nearest = await self._nearest(question)
            chosen = self._within(dict.fromkeys([*latest[: self.n_recent], *nearest]))
        if len(chosen) == len(self._items):
            return self
        shown = ItemMemory(count=self._count)
        shown._replace_items(self._items[place] for place in sorted(chosen))
        return shown

    def copy(self) -> Self:
        """A twin that goes its own way; see `Memory.copy`."""
        twin = super().copy()
        twin._vectors = list(self._vectors)
        twin._costs = list(self._costs)
        return twin

    async def _nearest(self, question: str) -> list[int]:
        """The places of all items, the highest score first, the later of equals first."""
        [asked] = await self._embedder.embed([question])
        cosines = np.array(self._vectors, dtype=np.float64) @ asked.astype(np.float64)
        age = np.arange(len(self._items), dtype=np.float64)[::-1]
        priority = np.array([item.priority for item in self._items], dtype=np.float64)
        scores: NDArray[np.floating] = (
            _scaled(cosines.round(_DECIMALS))
            + self.recency * _scaled(_DECAY**age)
            + self.importance * _scaled(priority)
        )
        nearest: list[int] = np.lexsort((age, -scores.round(_DECIMALS))).tolist()
        return nearest

    def _within(self, order: Iterable[int]) -> list[int]:
        """The places that have room, in an order of choice; what has none is left out."""
        taken: list[int] = []
        separator = self._count(SEPARATOR)
        room = self.max_tokens + separator
        for place in order:
            cost = self._costs[place] + separator
            if cost <= room:
                taken.append(place)
                room -= cost
        return taken


def _scaled(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Values from 0, the least, to 1, the greatest; all 0 where they are equal."""
    least, greatest = float(values.min()), float(values.max())
    return (values - least) / ((greatest - least) or 1.0)
