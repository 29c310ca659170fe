"""A model whose every call is an effect: recorded once, and in a replay read from the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from simlab.models.model import Completion, Model, Prompt, Sampling
from simlab.trace.tracing import effect


@dataclass(frozen=True, slots=True)
class Choices:
    """What stands in a recorded request in place of a `Sampling`, where choices are scored."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a model was asked; all of it but the seed identifies the call in the record.

    Attributes:
        model: The exact version.
        prompt: A chat or token ids.
        sampling: How to draw, or which choices to score.
    """

    model: str
    prompt: Prompt
    sampling: Sampling | Choices


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """Passes each call to another model through `simlab.trace.effect`.

    A completion without a seed is drawn with the one that follows from where in the run it stands.

    Attributes:
        inner: Makes the calls that are not in the record.
    """

    inner: Model

    @property
    def name(self) -> str:
        """The exact version."""
        return self.inner.name

    async def generate(
        self, prompt: Prompt, sampling: Sampling = Sampling(), *, session: str | None = None
    ) -> Completion:
        """Complete a prompt; see `Model.generate`.

        Raises:
            ModelError: The model did not answer, now or when it was recorded.
            ReplayDivergence: The record has another call in this place.
        """

        async def call(seed: int) -> Completion:
            seeded = sampling if sampling.seed is not None else replace(sampling, seed=seed)
            return await self.inner.generate(prompt, seeded, session=session)

        request = ModelRequest(self.inner.name, prompt, sampling)
        return await effect("model", request, call, returns=Completion)

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`."""

        async def call(_: int) -> Mapping[str, float]:
            return await self.inner.choice_logprobs(prompt, choices)

        request = ModelRequest(self.inner.name, prompt, Choices(tuple(choices)))
        return await effect("model", request, call, returns=dict[str, float])

    def with_adapter(self, path: str | None) -> Self:
        """The inner model with an adapter, recorded."""
        return replace(self, inner=self.inner.with_adapter(path))
