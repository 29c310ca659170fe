"""A model whose calls are paid for out of a run's budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable

from simlab.models.allowance import Allowance
from simlab.models.embedder import AnyModel
from simlab.models.model import Completion, Model, Prompt, Sampling


@runtime_checkable
class Priced(Protocol):
    """A model whose tokens have prices, in dollars a million."""

    @property
    def dollars_per_million_in(self) -> float:
        """Of prompts."""
        ...

    @property
    def dollars_per_million_out(self) -> float:
        """Of what is drawn."""
        ...


def is_priced(model: AnyModel) -> bool:
    """Whether calls of a model cost money."""
    return isinstance(model, Priced) and (
        model.dollars_per_million_in > 0 or model.dollars_per_million_out > 0
    )


@dataclass(frozen=True, slots=True)
class BudgetedModel:
    """Passes each call to another model for as long as the allowance lasts.

    Stands inside a `RecordedModel`: what is read from the record costs nothing.

    Attributes:
        inner: Makes the calls.
        allowance: Pays for them; of the process, so this value stays there.
        priced: Whether calls cost money.
    """

    inner: Model
    allowance: Allowance
    priced: bool = False

    @property
    def name(self) -> str:
        """The exact version."""
        return self.inner.name

    async def generate(
        self, prompt: Prompt, sampling: Sampling = Sampling(), *, session: str | None = None
    ) -> Completion:
        """Complete a prompt; see `Model.generate`.

        Raises:
            ModelError: The model did not answer.
            BudgetSpentError: The run may spend no more; nothing was asked.
        """

        async def call() -> Completion:
            return await self.inner.generate(prompt, sampling, session=session)

        return await self.allowance.spend(call, priced=self.priced)

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`.

        Raises:
            ModelError: The model did not answer.
            BudgetSpentError: The run may spend no more; nothing was asked.
        """

        async def call() -> Mapping[str, float]:
            return await self.inner.choice_logprobs(prompt, choices)

        return await self.allowance.spend(call, priced=self.priced)

    def with_adapter(self, path: str | None) -> Self:
        """The inner model with an adapter, paid for alike."""
        return replace(self, inner=self.inner.with_adapter(path))
