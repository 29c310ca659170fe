"""Whoever stands for a model while the run goes on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from simlab.models.model import (
    ChatMessage,
    ChoiceLogprobs,
    Completion,
    Prompt,
    Sampling,
    Usage,
    begun_reply,
    name_with_adapter,
)
from simlab.sim.control.asked import Asked
from simlab.sim.control.board import Board

_SURE = 0.999
"""The probability of the choice that a person makes; the others share the rest."""


@dataclass(frozen=True, slots=True)
class BoardModel:
    """A model whose prompts are shown on a board; whoever stands for it there answers them.

    Attributes:
        name: The exact version.
        board: Where it asks.
        place: By which name of the run people stand for it, whatever adapter it answers with.
    """

    name: str
    board: Board
    place: str

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling = Sampling(),
        *,
        session: str | None = None,  # noqa: ARG002 - the protocol's
    ) -> Completion:
        """What the person answers, cut at `sampling`'s stop texts; see `Model.generate`."""
        what = {"begun": begun_reply(prompt), "schema": sampling.schema}
        text = await self._ask(prompt, what)
        return Completion(text[: sampling.stop_place(text)], model=self.name)

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """Nearly all probability for the one that the person chooses."""
        said = await self._ask(prompt, {"choices": list(choices)})
        if len(choices) == 1:
            return ChoiceLogprobs({said: 0.0}, Usage())
        rest = math.log((1 - _SURE) / (len(choices) - 1))
        logprobs = {choice: math.log(_SURE) if choice == said else rest for choice in choices}
        return ChoiceLogprobs(logprobs, Usage())

    def with_adapter(self, path: str | None) -> Self:
        """The same person, who answers under the adapter's name."""
        return replace(self, name=name_with_adapter(self.name, path))

    async def _ask(self, prompt: Prompt, what: Mapping[str, Any]) -> str:
        shown = [[p.role, p.text] if isinstance(p, ChatMessage) else p for p in prompt]
        asked = Asked(model=self.place, what={"prompt": shown, **what})
        answer = await self.board.ask(asked, None)
        return str(answer.action)
