"""One completion on its way: what is asked, what was drawn, what is to be computed next."""

import time
from dataclasses import dataclass

from torch import Tensor

from simlab.errors import ModelError
from simlab.models.model import Finish, Prompt, Sampling, Usage
from simlab.models.transformers.adapter import Adapter
from simlab.models.transformers.attention import BLOCK, KeyValues
from simlab.models.transformers.draw import Drawer, logprobs_of
from simlab.models.transformers.grammar import Grammar
from simlab.models.transformers.layout import Part


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """What is asked of a decoder.

    Attributes:
        prompt: A chat or token ids.
        sampling: How to draw.
        session: Whose prompts extend each other.
        model: The name that the completion bears.
        adapter: What it is computed with; None for the base weights alone.
        grammar: Of the schema in `sampling`.
    """

    prompt: Prompt
    sampling: Sampling
    session: str | None = None
    model: str = ""
    adapter: Adapter | None = None
    grammar: Grammar | None = None


class Row:
    """One completion being drawn.

    Args:
        request: What was asked.
        prompt_ids: The prompt.
        cache: The keys and values of what is known of it.

    Attributes:
        request: What was asked.
        ids: The prompt and what was drawn after it.
        cache: The keys and values of all of `ids` that were computed.
        finish: Why it ended; None while it goes on.
        error: Why it cannot go on.
        logprobs: Of the tokens drawn, if they were asked for.
    """

    def __init__(self, request: DecodeRequest, prompt_ids: list[int], cache: KeyValues) -> None:
        self.request = request
        self.ids = prompt_ids
        self.cache = cache
        self.finish: Finish | None = None
        self.error: ModelError | None = None
        self.logprobs: list[float] = []
        self.n_prompt = len(prompt_ids)
        self._n_cached = cache.length
        self._begun_s = time.perf_counter()
        self._drawer = Drawer(request.sampling)
        self._constraint = None if request.grammar is None else request.grammar.begin()

    @property
    def prompt_ids(self) -> list[int]:
        """The ids that were given."""
        return self.ids[: self.n_prompt]

    @property
    def token_ids(self) -> list[int]:
        """The ids that were drawn so far."""
        return self.ids[self.n_prompt :]

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing more to compute."""
        return self.finish is not None or self.error is not None

    def usage(self) -> Usage:
        """What it has cost so far."""
        return Usage(
            self.n_prompt,
            len(self.ids) - self.n_prompt,
            self._n_cached,
            model_s=round(time.perf_counter() - self._begun_s, 6),
        )

    def next_part(self, budget: int) -> Part | None:
        """The tokens to compute next, at most `budget` of them.

        A prompt that is longer is cut at the end of a block, and no logits are wanted yet; None if
        the budget does not reach there.
        """
        adapter = self.request.adapter
        pending = self.ids[self.cache.length :]
        if len(pending) <= budget:
            return Part(pending, self.cache, adapter=adapter)
        size = (self.cache.length + budget) // BLOCK * BLOCK - self.cache.length
        return Part(pending[:size], self.cache, wanted=0, adapter=adapter) if size > 0 else None

    def draw(self, logits: Tensor) -> int:
        """Draw the next token from ``(1, vocabulary)`` logits.

        Raises:
            ModelError: The logits are not numbers, or the schema allows no token.
        """
        if logits.isnan().any():
            raise ModelError("the model's logits are not numbers; compute in float32")
        allowed = logits if self._constraint is None else self._constraint.masked(logits)
        token = self._drawer.draw(allowed[0])
        if self._constraint is not None:
            self._constraint.accept(token)
        self.ids.append(token)
        if self.request.sampling.logprobs:
            self.logprobs += logprobs_of(logits, [token])
        return token
