"""A person in place of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn, Self

from simlab.errors import ModelError
from simlab.models.model import Completion, Prompt, Sampling, name_with_adapter


@dataclass(frozen=True, slots=True)
class PersonModel:
    """A model whose prompts a person answers who comes while the run goes on.

    It holds the place: the host of a run that can be commanded puts somebody there who asks.

    Attributes:
        name: The exact version.
    """

    name: str

    async def generate(
        self,
        prompt: Prompt,  # noqa: ARG002 - the protocol's
        sampling: Sampling = Sampling(),  # noqa: ARG002
        *,
        session: str | None = None,  # noqa: ARG002
    ) -> Completion:
        """Nobody is there.

        Raises:
            ModelError: Always.
        """
        self._raise()

    async def choice_logprobs(
        self,
        prompt: Prompt,  # noqa: ARG002
        choices: Sequence[str],  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Nobody is there.

        Raises:
            ModelError: Always.
        """
        self._raise()

    def with_adapter(self, path: str | None) -> Self:
        """The same place under the adapter's name."""
        return replace(self, name=name_with_adapter(self.name, path))

    def _raise(self) -> NoReturn:
        raise ModelError(
            f"model {self.name!r} is a person, and nobody can be asked here; run it by simlab run, "
            "and stand for the model from there"
        )
