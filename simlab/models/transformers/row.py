"""A request's place in the batch: what is to be computed for it next, and what came of that."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from simlab.errors import ModelError
from simlab.models.model import ChoiceLogprobs, Completion, Usage
from simlab.models.transformers.adapter import Adapter
from simlab.models.transformers.attention import KeyValues
from simlab.models.transformers.layout import Part


class Row(ABC):
    """One of the requests that are computed side by side; its prompt is read first.

    Args:
        prompt_ids: The prompt.
        capacity: The most tokens that `ids` will have.
        adapter: What it is computed with; None for the base weights alone.
        session: Whose prompts extend each other.
        alone: Whether it must be computed by itself to be exact.

    Attributes:
        ids: The prompt and what was drawn after it.
        cache: The keys and values of all of `ids` that were computed.
        error: Why it cannot go on.
    """

    def __init__(
        self,
        prompt_ids: list[int],
        capacity: int,
        *,
        adapter: Adapter | None = None,
        session: str | None = None,
        alone: bool = False,
    ) -> None:
        self.ids = prompt_ids
        self.n_prompt = len(prompt_ids)
        self.adapter = adapter
        self.session = session
        self.alone = alone
        self.cache = KeyValues(capacity)
        self.error: ModelError | None = None
        self._n_cached = 0
        self._begun_s: float | None = None

    @property
    def prompt_ids(self) -> list[int]:
        """The ids that were given."""
        return self.ids[: self.n_prompt]

    @property
    def has_begun(self) -> bool:
        """Whether it has taken part in a pass."""
        return self._begun_s is not None

    @property
    def is_reading(self) -> bool:
        """Whether some of its prompt is still to be read."""
        return self.cache.length < self.n_prompt

    def begin(self, cache: KeyValues) -> None:
        """Begin with what is known of the prompt, at the first pass that has room for it."""
        self.cache = cache
        self._n_cached = cache.length
        self._begun_s = time.perf_counter()

    def usage(self) -> Usage:
        """What it has cost since it began."""
        assert self._begun_s is not None, "the row has begun"
        return Usage(
            self.n_prompt,
            len(self.ids) - self.n_prompt,
            self._n_cached,
            model_s=round(time.perf_counter() - self._begun_s, 6),
        )

    @property
    @abstractmethod
    def has_ended(self) -> bool:
        """Whether there is nothing more to compute."""

    @abstractmethod
    def next_parts(self, budget: int) -> list[Part]:
        """What to compute next, at most `budget` tokens; none if the budget does not reach."""

    @abstractmethod
    def take(self, computed: Sequence[tuple[Part, Tensor]]) -> None:
        """Go on from parts that were computed, each with its ``(wanted, vocabulary)`` logits.

        Raises:
            ModelError: The row cannot go on.
        """

    @abstractmethod
    def answer(self) -> Completion | ChoiceLogprobs:
        """What it amounts to, once it has ended without an error."""
