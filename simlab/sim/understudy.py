"""Understudies: models that answer under the names that a record has of others.

A replay finds a recorded call by the name of its model, so whoever is to answer what comes after it
must have that name, whatever it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from simlab.models.embedder import AnyModel, Embedder, Vectors
from simlab.models.model import Completion, Model, Prompt, Sampling, name_with_adapter
from simlab.sim.absent import absent_models


@dataclass(frozen=True, slots=True)
class Understudy:
    """A language model under another's name.

    Attributes:
        name: Of the other.
        inner: Answers.
    """

    name: str
    inner: Model

    async def generate(
        self, prompt: Prompt, sampling: Sampling = Sampling(), *, session: str | None = None
    ) -> Completion:
        """Complete a prompt; see `Model.generate`."""
        return await self.inner.generate(prompt, sampling, session=session)

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`."""
        return await self.inner.choice_logprobs(prompt, choices)

    def with_adapter(self, path: str | None) -> Self:
        """The inner model with an adapter, under the name that the other would have with it."""
        inner = self.inner.with_adapter(path)
        return replace(self, name=name_with_adapter(self.name, path), inner=inner)


@dataclass(frozen=True, slots=True)
class EmbedderUnderstudy:
    """An embedder under another's name.

    Attributes:
        name: Of the other.
        inner: Answers.
    """

    name: str
    inner: Embedder

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts; see `Embedder.embed`."""
        return await self.inner.embed(texts)


def understudies(
    specs: Mapping[str, Mapping[str, Any]], models: Mapping[str, AnyModel]
) -> dict[str, AnyModel]:
    """Models that answer under the names that a replay knows those of a run file by.

    Args:
        specs: What the run file has under ``models``.
        models: Who answers, by the names there.
    """
    return {
        name: _understudy(absent.name, models[name])
        for name, absent in absent_models(specs).items()
    }


def _understudy(name: str, model: AnyModel) -> AnyModel:
    if isinstance(model, Embedder):
        return EmbedderUnderstudy(name, model)
    return Understudy(name, model)
