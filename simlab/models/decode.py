"""Decoding: many completions drawn a token at a time, each joining and leaving at any step."""

from collections.abc import Collection, Iterable, Sequence

from torch import Tensor

from simlab.errors import ModelError
from simlab.models.attention import BLOCK, KeyValues
from simlab.models.draw import Drawer, logprobs_of
from simlab.models.model import Completion, Finish, Sampling, Usage
from simlab.models.network import Network, Part
from simlab.models.prefixes import PrefixCache
from simlab.models.render import Renderer

_STEP_TOKENS = 512
"""Prompt tokens read in one step: about 1 s of work on 2 cores, which those being drawn wait for."""

_SCORED = "\0scored"
"""The session of prompts whose choices are scored: a judge asks several things of one transcript."""


class Row:
    """One completion being drawn.

    Attributes:
        ids: The prompt and what was drawn after it.
        cache: The keys and values of all of `ids` that were computed.
        finish: Why it ended; None while it goes on.
    """

    def __init__(
        self, prompt: list[int], sampling: Sampling, *, cache: KeyValues, session: str | None
    ) -> None:
        self.ids = prompt
        self.sampling = sampling
        self.cache = cache
        self.session = session
        self.finish: Finish | None = None
        self.logprobs: list[float] = []
        self.n_prompt = len(prompt)
        self.n_cached = cache.length
        self._drawer = Drawer(sampling)

    @property
    def prompt(self) -> list[int]:
        """The ids that were given."""
        return self.ids[: self.n_prompt]

    @property
    def drawn(self) -> list[int]:
        """The ids that were drawn so far."""
        return self.ids[self.n_prompt :]

    def next_part(self, budget: int) -> Part | None:
        """The tokens to compute next, at most `budget` of them.

        A prompt that is longer is cut at the end of a block, and no logits are wanted yet; None if
        the budget does not reach there.
        """
        pending = self.ids[self.cache.length :]
        if len(pending) <= budget:
            return Part(pending, self.cache)
        size = (self.cache.length + budget) // BLOCK * BLOCK - self.cache.length
        return Part(pending[:size], self.cache, wanted=0) if size > 0 else None

    def draw(self, logits: Tensor) -> int:
        """Draw the next token from ``(1, vocabulary)`` logits."""
        if logits.isnan().any():
            raise ModelError("the model's logits are not numbers; load it in float32")
        token = self._drawer.draw(logits[0])
        self.ids.append(token)
        if self.sampling.logprobs:
            self.logprobs += logprobs_of(logits, [token])
        return token


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

    def admit(self, prompt: Sequence[int], sampling: Sampling, session: str | None) -> Row:
        """A new row for a prompt of token ids.

        Raises:
            ModelError: Prompt and completion do not fit the model together.
        """
        ids = list(prompt)
        length = self._checked_length(len(ids), sampling.max_tokens)
        cache = KeyValues(length) if self._alone(sampling) else self._prefixes.begin(ids, length)
        return Row(ids, sampling, cache=cache, session=session)

    def step(self, rows: Sequence[Row]) -> None:
        """Compute the next tokens of the rows and draw one for each whose prompt was read."""
        together = [row for row in rows if not self._alone(row.sampling)]
        alone = [[row] for row in rows if self._alone(row.sampling)]
        for group in [together, *alone]:
            if group:
                self._pass(group)

    def release(self, row: Row) -> None:
        """Keep what was read of the row's prompt for the next request of its session."""
        if row.session is not None and not self._alone(row.sampling):
            self._prefixes.keep(row.session, row.prompt, row.cache)

    def completion(self, row: Row, *, model: str) -> Completion:
        """What a row that has ended amounts to."""
        assert row.finish is not None, "the row has ended"
        sampling, drawn = row.sampling, row.drawn
        text = self._renderer.continuation(row.prompt, drawn)
        return Completion(
            text=text[: _stop_place(text, sampling.stop)],
            prompt_ids=tuple(row.prompt),
            token_ids=tuple(drawn),
            logprobs=tuple(row.logprobs),
            finish=row.finish,
            model=model,
            usage=Usage(row.n_prompt, len(drawn), row.n_cached),
            exact=_repeatable(sampling) and (self._network.independent or sampling.exact),
        )

    def score(self, prompt: Sequence[int], choices: Sequence[Sequence[int]]) -> list[float]:
        """The log-probability of each choice after the prompt: one pass for it, one for all
        choices.

        Args:
            prompt: Token ids.
            choices: The token ids of each choice, at least one each.
        """
        longest = max(len(choice) for choice in choices)
        self._checked_length(len(prompt), longest)
        row = Row(
            list(prompt), Sampling(), session=None, cache=self._prefixes.begin(prompt, len(prompt))
        )
        first = self._read(row)
        self._prefixes.keep(_SCORED, row.prompt, row.cache)
        parts = [
            Part(choice[:-1], row.cache.copy(len(prompt), len(prompt) + longest), len(choice) - 1)
            for choice in choices
            if len(choice) > 1
        ]
        rest = iter(self._network.logits(parts)) if parts else iter(())
        totals = logprobs_of(first.expand(len(choices), -1), [choice[0] for choice in choices])
        return [
            total + (sum(logprobs_of(next(rest), choice[1:])) if len(choice) > 1 else 0.0)
            for total, choice in zip(totals, choices, strict=True)
        ]

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
        """Draw the row's next token and see whether it ends there."""
        if row.draw(logits) in self._ends or self._said_stop(row):
            row.finish = "stop"
        elif len(row.ids) - row.n_prompt >= row.sampling.max_tokens:
            row.finish = "length"

    def _said_stop(self, row: Row) -> bool:
        stop = row.sampling.stop
        if not stop:
            return False
        text = self._renderer.continuation(row.prompt, row.drawn)
        return _stop_place(text, stop) is not None

    def _alone(self, sampling: Sampling) -> bool:
        """Whether a request must be computed by itself to be exact."""
        return sampling.exact and not self._network.independent

    def _checked_length(self, n_prompt: int, n_more: int) -> int:
        if n_prompt + n_more > self._max_tokens:
            raise ModelError(
                f"prompt and completion must fit {self._max_tokens} tokens together, got {n_prompt} "
                f"of prompt and {n_more} to come; shorten the agent's memory or lower max_tokens"
            )
        return n_prompt + n_more


def _repeatable(sampling: Sampling) -> bool:
    """Whether the same request is drawn alike again, given the same logits."""
    return sampling.seed is not None or sampling.temperature == 0


def _stop_place(text: str, stop: Sequence[str]) -> int | None:
    """Where the first of the stop texts begins, if any is there."""
    places = [place for place in map(text.find, stop) if place >= 0]
    return min(places, default=None)
