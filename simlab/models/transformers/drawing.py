"""A completion in the batch, drawn a token at a time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from torch import Tensor

from simlab.models.model import Completion, Finish, Prompt, Sampling
from simlab.models.render import Renderer
from simlab.models.tool_reading import read_spoken
from simlab.models.transformers.adapter import Adapter
from simlab.models.transformers.draw import Drawer, check_numbers, logprobs_of
from simlab.models.transformers.grammar import Grammar
from simlab.models.transformers.layout import Part, next_part
from simlab.models.transformers.row import Row


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """A completion that is asked of a decoder.

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


class Drawing(Row):
    """One completion being drawn.

    Args:
        request: What was asked.
        prompt_ids: The prompt.
        renderer: Reads what was drawn.
        ends: The tokens that end a turn.
        independent: Whether it comes out the same whatever is computed beside it.
    """

    def __init__(
        self,
        request: DecodeRequest,
        prompt_ids: list[int],
        *,
        renderer: Renderer,
        ends: Collection[int],
        independent: bool,
    ) -> None:
        super().__init__(
            prompt_ids,
            len(prompt_ids) + request.sampling.max_tokens,
            adapter=request.adapter,
            session=request.session,
            alone=request.sampling.exact and not independent,
        )
        self._request = request
        self._renderer = renderer
        self._ends = ends
        self._independent = independent
        self._finish: Finish | None = None
        self._logprobs: list[float] = []
        self._drawer = Drawer(request.sampling)
        self._constraint = None if request.grammar is None else request.grammar.begin()

    @property
    def token_ids(self) -> list[int]:
        """The ids that were drawn so far."""
        return self.ids[self.n_prompt :]

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing more to draw."""
        return self._finish is not None or self.error is not None

    def next_parts(self, budget: int) -> list[Part]:
        """Of the prompt, or the token drawn last; see `Row.next_parts`."""
        last = len(self.ids) - 1
        part = next_part(self.ids, self.cache, budget, wanted_from=last, adapter=self.adapter)
        return [] if part is None else [part]

    def take(self, computed: Sequence[tuple[Part, Tensor]]) -> None:
        """Draw the next token if all before it was read, and see whether the completion ends there.

        Raises:
            ModelError: The logits are not numbers, or the schema allows no token.
        """
        [(part, logits)] = computed
        if not part.wanted:
            return
        token = self._draw(logits)
        if token in self._ends or self._said_stop():
            self._finish = "stop"
        elif len(self.token_ids) >= self._request.sampling.max_tokens:
            self._finish = "length"

    def answer(self) -> Completion:
        """The completion."""
        assert self._finish is not None, "the row has ended"
        sampling, text = self._request.sampling, self._text()
        spoken = read_spoken(text[: sampling.stop_place(text)], sampling.tools)
        repeatable = sampling.seed is not None or sampling.temperature == 0
        return Completion(
            text=spoken.words,
            prompt_ids=tuple(self.prompt_ids),
            token_ids=tuple(self.token_ids),
            logprobs=tuple(self._logprobs),
            finish=self._finish,
            model=self._request.model,
            usage=self.usage(),
            exact=repeatable and (sampling.exact or self._independent),
            calls=spoken.calls,
        )

    def _draw(self, logits: Tensor) -> int:
        """Draw the next token from ``(1, vocabulary)`` logits."""
        check_numbers(logits)
        allowed = logits if self._constraint is None else self._constraint.masked(logits)
        token = self._drawer.draw(allowed[0])
        if self._constraint is not None:
            self._constraint.accept(token)
        self.ids.append(token)
        if self._request.sampling.logprobs:
            self._logprobs += logprobs_of(logits, [token])
        return token

    def _said_stop(self) -> bool:
        sampling = self._request.sampling
        return bool(sampling.stop) and sampling.stop_place(self._text()) is not None

    def _text(self) -> str:
        return self._renderer.continuation(self.prompt_ids, self.token_ids)
