"""Who is not there: what agents hold where every answer comes from a record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simlab.agents.person import HumanAnswer, Question
from simlab.errors import ModelError, PersonLeftError
from simlab.models.embedder import AnyModel, Vectors
from simlab.models.engines import embeds
from simlab.models.model import Completion, Prompt, Sampling, name_with_adapter


@dataclass(frozen=True, slots=True)
class AbsentModel:
    """Has the name of a model and answers nothing."""

    name: str

    async def generate(
        self,
        prompt: Prompt,  # noqa: ARG002 - the protocol's
        sampling: Sampling = Sampling(),  # noqa: ARG002
        *,
        session: str | None = None,  # noqa: ARG002
    ) -> Completion:
        """Never answers."""
        raise _not_loaded(self.name)

    async def choice_logprobs(
        self,
        prompt: Prompt,  # noqa: ARG002
        choices: Sequence[str],  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Never answers."""
        raise _not_loaded(self.name)

    def with_adapter(self, path: str | None) -> "AbsentModel":
        """The same absence under the adapter's name."""
        return AbsentModel(name_with_adapter(self.name, path))


@dataclass(frozen=True, slots=True)
class AbsentEmbedder:
    """Has the name of an embedder and answers nothing."""

    name: str

    async def embed(self, texts: Sequence[str]) -> Vectors:  # noqa: ARG002 - the protocol's
        """Never answers."""
        raise _not_loaded(self.name)


@dataclass(frozen=True, slots=True)
class AbsentPerson:
    """Nobody: answers nothing."""

    async def answer(self, question: Question) -> HumanAnswer:
        """Never answers."""
        raise PersonLeftError(f"nobody is there for {question.asker}: a replay asks no person")


def absent_models(specs: Mapping[str, Mapping[str, Any]]) -> dict[str, AnyModel]:
    """What stands for the models of a run file, by name.

    A model whose engine is not to be found here is taken for a language model: a run can be
    replayed where its engine is not.
    """
    return {
        name: AbsentEmbedder(name) if embeds(spec) else AbsentModel(name)
        for name, spec in specs.items()
    }


def _not_loaded(name: str) -> ModelError:
    return ModelError(f"model {name!r} is not loaded: a replay asks no model")
