"""Decoding: many completions drawn a token at a time, each joining and leaving at any step."""

from collections.abc import Collection, Iterable, Sequence

from torch import Tensor

from simlab.errors import ModelError
from simlab.models.choices import apart
from simlab.models.model import ChoiceLogprobs, Completion, Prompt, Sampling
from simlab.models.render import Renderer
from simlab.models.tool_reading import read_spoken
from simlab.models.transformers.adapter import Adapter
from simlab.models.transformers.attention import KeyValues
from simlab.models.transformers.draw import logprobs_of
from simlab.models.transformers.layout import Part
from simlab.models.transformers.network import Network
from simlab.models.transformers.prefixes import PrefixCache
from simlab.models.transformers.row import DecodeRequest, Row

_STEP_TOKENS = 512
"""Prompt tokens read in one step, for which the completions being drawn wait."""


class Decoder:
    """Draws completions with one network.

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

    def admit(self, request: DecodeRequest) -> Row:
        """A new row.

        Raises:
            ModelError: The prompt cannot be rendered, or does not fit with what is to come.
        """
        ids = self._renderer.prompt_ids(request.prompt, request.sampling.tools)
        length = self._checked_length(len(ids), request.sampling.max_tokens)
        if self._alone(request):
            return Row(request, ids, KeyValues(length))
        return Row(request, ids, self._begin(ids, length, request.adapter))

    def step(self, rows: Sequence[Row]) -> None:
        """Compute the next tokens of the rows, and draw one for each whose prompt is read."""
        together = [row for row in rows if not self._alone(row.request)]
        alone = [[row] for row in rows if self._alone(row.request)]
        for group in [together, *alone]:
            if group:
                self._pass(group)

    def finish(self, row: Row) -> Completion:
        """What a row that has ended amounts to; its prompt is kept for the session's next."""
        assert row.finish is not None, "the row has ended"
        request, sampling = row.request, row.request.sampling
        if not self._alone(request):
            self._keep(request, row.prompt_ids, row.cache)
        text = self._text(row)
        spoken = read_spoken(text[: sampling.stop_place(text)], sampling.tools)
        repeatable = sampling.seed is not None or sampling.temperature == 0
        return Completion(
            text=spoken.words,
            prompt_ids=tuple(row.prompt_ids),
            token_ids=tuple(row.token_ids),
            logprobs=tuple(row.logprobs),
            finish=row.finish,
            model=request.model,
            usage=row.usage(),
            exact=repeatable and (sampling.exact or self._network.is_independent(request.adapter)),
            calls=spoken.calls,
        )

    def score(
        self, prompt: Prompt, choices: Sequence[str], adapter: Adapter | None = None
    ) -> ChoiceLogprobs:
        """The log-probability of each choice after the prompt: one pass for it, one for them all.

        Raises:
            ModelError: The prompt cannot be rendered, or does not fit with the choices.
        """
        ids = self._renderer.prompt_ids(prompt)
        tokens = [self._renderer.text_ids(choice) for choice in choices]
        longest = self._checked_length(len(ids), max(map(len, tokens)))
        request = DecodeRequest(prompt, Sampling(), adapter=adapter)
        row = Row(request, ids, self._begin(ids, len(ids), adapter))
        first = self._read(row)
        self._keep(request, ids, row.cache)
        heads = logprobs_of(first.expand(len(tokens), -1), [choice[0] for choice in tokens])
        tails = self._score_tails(row, longest, [choice for choice in tokens if len(choice) > 1])
        rest = iter(tails)
        scores = [
            head + (next(rest) if len(choice) > 1 else 0.0)
            for head, choice in zip(heads, tokens, strict=True)
        ]
        sequences = dict(zip(choices, tokens, strict=True))
        whole = dict(zip(choices, scores, strict=True))
        return ChoiceLogprobs(apart(whole, sequences), row.usage())

    def _score_tails(
        self, row: Row, capacity: int, choices: Sequence[Sequence[int]]
    ) -> list[float]:
        """The log-probability of each choice but its first token, after a row that was read."""
        if not choices:
            return []
        parts = [
            Part(
                choice[:-1],
                row.cache.copy(row.cache.length, capacity),
                wanted=len(choice) - 1,
                adapter=row.request.adapter,
            )
            for choice in choices
        ]
        computed = self._network.logits(parts)
        return [
            sum(logprobs_of(logits, choice[1:]))
            for logits, choice in zip(computed, choices, strict=True)
        ]

    def _begin(self, ids: Sequence[int], capacity: int, adapter: Adapter | None) -> KeyValues:
        """A cache for a prompt, with what is kept of it."""
        cache = self._prefixes.begin(ids, capacity, _path(adapter))
        self.prompt_tokens += len(ids)
        self.cached_tokens += cache.length
        return cache

    def _keep(self, request: DecodeRequest, ids: Sequence[int], cache: KeyValues) -> None:
        self._prefixes.keep(request.session, ids, cache, _path(request.adapter))

    def _read(self, row: Row) -> Tensor:
        """Compute a row's whole prompt; the ``(1, vocabulary)`` logits after it."""
        while True:
            part = row.next_part(_STEP_TOKENS)
            assert part is not None, "a whole step holds at least one block"
            [logits] = self._network.logits([part])
            if part.wanted:
                return logits

    def _pass(self, rows: Iterable[Row]) -> None:
        """One pass of the network over the rows, as many as the step has room for."""
        chosen: list[tuple[Row, Part]] = []
        budget = _STEP_TOKENS
        for row in rows:
            if (part := row.next_part(budget)) is not None:
                chosen.append((row, part))
                budget -= len(part.ids)
        computed = self._network.logits([part for _, part in chosen])
        for (row, part), logits in zip(chosen, computed, strict=True):
            if part.wanted:
                self._extend(row, logits)

    def _extend(self, row: Row, logits: Tensor) -> None:
        """Draw the row's next token, and see whether it ends there; what goes wrong is its own."""
        try:
            token = row.draw(logits)
        except ModelError as error:
            row.error = error
            return
        if token in self._ends or self._said_stop(row):
            row.finish = "stop"
        elif len(row.ids) - row.n_prompt >= row.request.sampling.max_tokens:
            row.finish = "length"

    def _said_stop(self, row: Row) -> bool:
        sampling = row.request.sampling
        return bool(sampling.stop) and sampling.stop_place(self._text(row)) is not None

    def _text(self, row: Row) -> str:
        return self._renderer.continuation(row.prompt_ids, row.token_ids)

    def _alone(self, request: DecodeRequest) -> bool:
        """Whether a request must be computed by itself to be exact."""
        independent = self._network.is_independent(request.adapter)
        return request.sampling.exact and not independent

    def _checked_length(self, n_prompt: int, n_more: int) -> int:
        """The length of prompt and completion together."""
        if n_prompt + n_more > self._max_tokens:
            raise ModelError(
                f"prompt and completion must fit {self._max_tokens} tokens together, got "
                f"{n_prompt} of prompt and {n_more} to come; shorten the memory or lower max_tokens"
            )
        return n_prompt + n_more


def _path(adapter: Adapter | None) -> str | None:
    return None if adapter is None else adapter.path
