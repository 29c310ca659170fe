"""Decoding: completions and scores computed side by side, each joining and leaving at any step."""

from collections.abc import Collection, Sequence
from itertools import islice

from simlab.errors import ModelError
from simlab.models.render import Renderer
from simlab.models.transformers.adapter import Adapter
from simlab.models.transformers.attention import BLOCK
from simlab.models.transformers.drawing import DecodeRequest, Drawing
from simlab.models.transformers.layout import Part
from simlab.models.transformers.network import Network
from simlab.models.transformers.prefixes import PrefixCache
from simlab.models.transformers.row import Row
from simlab.models.transformers.scoring import ScoreRequest, Scoring

_STEP_TOKENS = 512
"""Tokens computed in one step, for which the completions being drawn wait."""


class Decoder:
    """Draws completions and scores choices with one network.

    A row that was admitted takes part in each step until it has ended. A seeded row's tokens do not
    depend on the other rows; where the machine's arithmetic would make them, a row that must be
    exact is computed by itself.

    Args:
        network: Computes logits.
        renderer: Renders prompts and reads completions.
        ends: The tokens that end a turn.
        max_tokens: The most tokens that prompt and completion may have together.
        cache_tokens: The most prompt tokens that are kept for later requests.

    Attributes:
        prompt_tokens: How many tokens the prompts had so far.
        cached_tokens: How many of them were not read anew.
    """

    def __init__(
        self,
        network: Network,
        renderer: Renderer,
        *,
        ends: Collection[int],
        max_tokens: int,
        cache_tokens: int,
    ) -> None:
        self._network = network
        self._renderer = renderer
        self._ends = frozenset(ends)
        self._max_tokens = max_tokens
        self._prefixes = PrefixCache(cache_tokens)
        self.prompt_tokens = 0
        self.cached_tokens = 0

    def admit(self, request: DecodeRequest | ScoreRequest) -> Row:
        """A new row.

        Raises:
            ModelError: The prompt cannot be rendered, or does not fit with what is to come.
        """
        if isinstance(request, ScoreRequest):
            return self._scoring(request)
        return self._drawing(request)

    def step(self, rows: Sequence[Row]) -> None:
        """Compute what comes next of the rows; one whose prompt is read goes before the others."""
        together = [row for row in rows if not row.alone]
        alone = [[row] for row in rows if row.alone]
        for group in [sorted(together, key=lambda row: row.is_reading), *alone]:
            if group:
                self._pass(group)

    def _drawing(self, request: DecodeRequest) -> Drawing:
        ids = self._renderer.prompt_ids(request.prompt, request.sampling.tools)
        self._check_length(len(ids), request.sampling.max_tokens)
        independent = self._network.is_independent(request.adapter)
        return Drawing(
            request, ids, renderer=self._renderer, ends=self._ends, independent=independent
        )

    def _scoring(self, request: ScoreRequest) -> Scoring:
        ids = self._renderer.prompt_ids(request.prompt)
        tokens = {choice: tuple(self._renderer.text_ids(choice)) for choice in request.choices}
        self._check_length(len(ids), max(map(len, tokens.values())))
        return Scoring(ids, tokens, request.adapter)

    def _pass(self, rows: Sequence[Row]) -> None:
        """One pass of the network over the rows, as many as the step has room for."""
        chosen = self._choose(rows)
        reading = [row for row in chosen if row.is_reading]
        parts = [part for row_parts in chosen.values() for part in row_parts]
        computed = zip(parts, self._network.logits(parts), strict=True)
        for row in reading:
            if not row.is_reading:
                self._keep(row)
        for row, row_parts in chosen.items():
            try:
                row.take(list(islice(computed, len(row_parts))))
            except ModelError as error:  # its own: the others go on
                row.error = error

    def _choose(self, rows: Sequence[Row]) -> dict[Row, list[Part]]:
        """What is computed of which row in one pass.

        A row begins once there is room for it, and so finds what those before it have read.
        """
        chosen: dict[Row, list[Part]] = {}
        budget = _STEP_TOKENS
        for row in rows:
            if not row.has_begun:
                if budget < min(row.n_prompt, BLOCK):
                    continue
                self._begin(row)
            if parts := row.next_parts(budget):
                chosen[row] = parts
                budget -= sum(len(part.ids) for part in parts)
        return chosen

    def _begin(self, row: Row) -> None:
        """Begin a row with what is kept of its prompt."""
        if row.alone:
            row.begin(row.cache)
            return
        row.begin(self._prefixes.begin(row.ids, row.cache.capacity, _path(row.adapter)))
        self.prompt_tokens += row.n_prompt
        self.cached_tokens += row.cache.length

    def _keep(self, row: Row) -> None:
        """Keep a prompt that was read, for its session's next and for those that begin alike."""
        if not row.alone:
            self._prefixes.keep(row.session, row.ids, row.cache, _path(row.adapter))

    def _check_length(self, n_prompt: int, n_more: int) -> None:
        """See that prompt and completion fit together."""
        if n_prompt + n_more > self._max_tokens:
            raise ModelError(
                f"prompt and completion must fit {self._max_tokens} tokens together, got "
                f"{n_prompt} of prompt and {n_more} to come; shorten the memory or lower max_tokens"
            )


def _path(adapter: Adapter | None) -> str | None:
    return None if adapter is None else adapter.path
