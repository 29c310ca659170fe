"""What a model can be asked from another process: calls as values that pickle."""

from collections.abc import Mapping
from dataclasses import dataclass

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


Call = Generate | ScoreChoices


async def perform(model: Model, call: Call) -> Completion | Mapping[str, float]:
    """What a model answers to a call.

    Raises:
        ModelError: It did not answer.
    """
    if call.adapter is not None:
        model = model.with_adapter(call.adapter)
    match call:
        case Generate(prompt, sampling, session):
            return await model.generate(prompt, sampling, session=session)
        case ScoreChoices(prompt, choices):
            return await model.choice_logprobs(prompt, choices)
