"""Choices in the batch, which are scored as continuations of one prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from simlab.models.choices import Tokens, add_up, apart, branches
from simlab.models.model import ChoiceLogprobs, Prompt
from simlab.models.transformers.adapter import Adapter
from simlab.models.transformers.attention import Branch, KeyValues
from simlab.models.transformers.draw import check_numbers
from simlab.models.transformers.layout import Part, next_part
from simlab.models.transformers.row import Row


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Choices that a decoder is asked to score.

    Attributes:
        prompt: A chat or token ids.
        choices: What may follow it.
        adapter: What they are scored with; None for the base weights alone.
    """

    prompt: Prompt
    choices: Sequence[str]
    adapter: Adapter | None = None


class Scoring(Row):
    """Choices being scored: the prompt is read once, then what the choices go on with, at once.

    Of a choice all but the last token is read, and choices that begin with another's read that one
    with it: ``"1"``, ``"10"`` and ``"100"`` take two tokens.

    Args:
        prompt_ids: The prompt.
        tokens: Of each choice.
        adapter: What it is computed with; None for the base weights alone.
    """

    def __init__(
        self, prompt_ids: list[int], tokens: Mapping[str, Tokens], adapter: Adapter | None
    ) -> None:
        super().__init__(prompt_ids, len(prompt_ids), adapter=adapter)
        self._tokens = tokens
        self._wanted = branches(list(tokens.values()))
        self._logprobs: dict[Tokens, dict[int, float]] = {}
        self._sequences: dict[KeyValues, Tokens] = {}

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing more to score."""
        return len(self._logprobs) == len(self._wanted) or self.error is not None

    def begin(self, cache: KeyValues) -> None:
        """Begin with what is known of the prompt."""
        super().begin(cache)
        self._sequences = {cache: ()}

    def next_parts(self, budget: int) -> list[Part]:
        """Of the prompt, or of what the choices go on with; see `Row.next_parts`."""
        parts: list[Part] = []
        for cache, drawn in self._sequences.items():
            ids, last = [*self.ids, *drawn], self.n_prompt - 1
            part = next_part(ids, cache, budget, wanted_from=last, adapter=self.adapter)
            if part is not None:
                parts.append(part)
                budget -= len(part.ids)
        return parts

    def take(self, computed: Sequence[tuple[Part, Tensor]]) -> None:
        """Look up what is wanted after each token; after the prompt, let the choices part.

        Raises:
            ModelError: The logits are not numbers.
        """
        for part, logits in computed:
            check_numbers(logits)
            drawn = self._sequences[part.cache]
            n_drawn = part.cache.length - self.n_prompt
            for place, row in enumerate(logits, n_drawn - part.wanted + 1):
                self._look_up(drawn[:place], row)
        if self.cache in self._sequences and not self.is_reading:
            self._part_ways()

    def answer(self) -> ChoiceLogprobs:
        """The log-probability of each choice."""
        scores = {choice: add_up(drawn, self._logprobs) for choice, drawn in self._tokens.items()}
        return ChoiceLogprobs(apart(scores, self._tokens), self.usage())

    def _look_up(self, drawn: Tokens, logits: Tensor) -> None:
        """Keep the log-probabilities of what is wanted next, from ``(vocabulary,)`` logits."""
        logprobs = logits.log_softmax(0)
        self._logprobs[drawn] = {token: float(logprobs[token]) for token in self._wanted[drawn]}

    def _part_ways(self) -> None:
        """Let each sequence that no other begins with go on from the prompt."""
        begun = {drawn[:-1] for drawn in self._wanted}
        self._sequences = {
            Branch(self.cache, len(drawn)): drawn for drawn in self._wanted if drawn not in begun
        }
