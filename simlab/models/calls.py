"""What a model can be asked from another process: calls as values that pickle."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from simlab.models.embedder import AnyModel, Embedder, Embedding, embedding_of
from simlab.models.model import Completion, Model, Prompt, Sampling


@dataclass(frozen=True, slots=True)
class Generate:
    """Complete a prompt; answered with a `Completion`."""

    prompt: Prompt
    sampling: Sampling = Sampling()
    session: str | None = None
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class ScoreChoices:
    """Score choices as the continuation of a prompt; answered with a mapping."""

    prompt: Prompt
    choices: tuple[str, ...]
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class Embed:
    """Embed texts; answered with an `Embedding`."""

    texts: tuple[str, ...]


Call = Generate | ScoreChoices | Embed


async def perform(model: AnyModel, call: Call) -> Completion | Mapping[str, float] | Embedding:
    """What a model answers to a call, which is of its kind.

    Raises:
        ModelError: It did not answer.
    """
    if isinstance(call, Embed):
        return await embedding_of(cast(Embedder, model), call.texts)
    model = cast(Model, model)
    if call.adapter is not None:
        model = model.with_adapter(call.adapter)
    match call:
        case Generate(prompt, sampling, session):
            return await model.generate(prompt, sampling, session=session)
        case ScoreChoices(prompt, choices):
            return await model.choice_logprobs(prompt, choices)
