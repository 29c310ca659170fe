"""A model behind an actor: weights in one process, asked from many."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from simlab.actors.actor import Actor
from simlab.actors.ref import ActorRef
from simlab.errors import HostDiedError, ModelError
from simlab.models.in_process import TransformersModel
from simlab.models.model import Completion, Model, Prompt, Sampling

_ATTEMPTS = 3
"""So often the host of a model may die under one request."""


@dataclass(frozen=True, slots=True)
class Generate:
    """Complete a prompt; answered with a `Completion`."""

    prompt: Prompt
    sampling: Sampling
    session: str | None = None


@dataclass(frozen=True, slots=True)
class ChoiceLogprobs:
    """Score choices as the continuation of a prompt; answered with a mapping."""

    prompt: Prompt
    choices: Sequence[str]


class ModelActor(Actor):
    """Holds a model and serves many asks at once, as the model batches them.

    Spawned as an actor of its own process where the model's weights should be loaded only once. An
    ask that is cancelled ends its work.

    Args:
        model: Is asked in the actor's process; its weights are loaded when the actor starts.
    """

    __slots__ = ("_model",)

    def __init__(self, model: Model) -> None:
        self._model = model

    async def started(self) -> None:
        """Load the weights, so that what is wrong with them shows at the spawn."""
        if isinstance(self._model, TransformersModel):
            await self._model.load()

    async def stopped(self) -> None:
        """Let go of the weights."""
        if isinstance(self._model, TransformersModel):
            await self._model.close()

    def receive(self, message: Any) -> "asyncio.Future[Any]":
        """Begin what a message asks for.

        Returns:
            The answer, once it is there; the next message is taken meanwhile.

        Raises:
            TypeError: The message is none of this actor's.
        """
        match message:
            case Generate(prompt, sampling, session):
                return asyncio.ensure_future(
                    self._model.generate(prompt, sampling, session=session)
                )
            case ChoiceLogprobs(prompt, choices):
                return asyncio.ensure_future(self._model.choice_logprobs(prompt, choices))
        raise TypeError(f"ModelActor has no case for {type(message).__name__}")


@dataclass(frozen=True, slots=True)
class ActorModel:
    """A model that a `ModelActor` computes; a value that pickles and works in every host.

    Attributes:
        name: The exact version; models of other names may share the actor.
        ref: Address of the actor.
    """

    name: str
    ref: ActorRef

    async def generate(
        self, prompt: Prompt, sampling: Sampling = Sampling(), *, session: str | None = None
    ) -> Completion:
        """Complete a prompt; see `Model.generate`.

        Raises:
            ModelError: The model did not answer.
            ActorError: The actor cannot be reached.
        """
        completion: Completion = await self._ask(Generate(prompt, sampling, session))
        return replace(completion, model=self.name)

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`."""
        logprobs: Mapping[str, float] = await self._ask(ChoiceLogprobs(prompt, choices))
        return logprobs

    def with_adapter(self, path: str | None) -> Self:
        """This model, if no adapter is asked for.

        Raises:
            ModelError: One is.
        """
        if path is not None:
            raise ModelError(
                f"model {self.name!r} is one actor's, without adapters, got {path!r}; "
                "adapters come with served models"
            )
        return self

    async def _ask(self, message: Generate | ChoiceLogprobs) -> Any:
        """Ask, and ask again if the actor's host dies; its successor loads the weights anew."""
        for _ in range(_ATTEMPTS):
            try:
                return await self.ref.ask(message)
            except HostDiedError as error:
                died = error
        raise ModelError(f"the host of model {self.name!r} died {_ATTEMPTS} times: {died.message}")
