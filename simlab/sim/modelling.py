"""Models of a run: from what its file says to the values that agents are given."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from simlab.actors import ActorRef, ActorSystem
from simlab.errors import ConfigError
from simlab.models.actor_model import ActorModel, ModelActor
from simlab.models.engines import ModelSpec, build
from simlab.models.in_process import TransformersModel
from simlab.models.model import Model
from simlab.models.weights import resolve

Specs = Mapping[str, Mapping[str, Any]]
"""What a run file has under ``models``."""


def build_models(specs: Specs) -> dict[str, Model]:
    """The models that a run file describes, by name; no weights are loaded.

    Raises:
        ConfigError: An engine or option is wrong.
    """
    return {name: build(name, _spec(name, spec)) for name, spec in specs.items()}


def check_weights(models: Mapping[str, Model]) -> None:
    """See that the weights of all models are there.

    Raises:
        ConfigError: Some are not; says how to get them.
    """
    for model in models.values():
        if isinstance(model, TransformersModel):
            resolve(model.weights)


class SharedWeights:
    """The models of a system, ready to be asked from all its hosts.

    Weights that a process must load live in an actor of their own and not in each host, and models
    that differ in nothing but their names share it. Without hosts beside this process they live
    here, where they are shared as well.

    Args:
        system: Where they are asked.
    """

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._actors: dict[TransformersModel, ActorRef] = {}

    async def start(self, specs: Specs) -> dict[str, Model]:
        """The models that a run file describes, by name; weights that were loaded are used again.

        Raises:
            ConfigError: An engine or option is wrong, or weights cannot be had.
        """
        models = build_models(specs)
        if not self._system.hosts:
            return models
        return {name: await self._shared(model) for name, model in models.items()}

    async def _shared(self, model: Model) -> Model:
        if not isinstance(model, TransformersModel):
            return model
        nameless = replace(model, name="")
        if nameless not in self._actors:
            name = f"model/{model.name}/{len(self._actors)}"
            self._actors[nameless] = await self._system.spawn(
                ModelActor, model, name=name, placement="dedicated"
            )
        return ActorModel(model.name, self._actors[nameless])


def _spec(name: str, spec: Mapping[str, Any]) -> ModelSpec:
    try:
        return ModelSpec.model_validate(spec)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(["models", name, *map(str, problem["loc"])])
        said = problem["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{key}: {said[0].lower()}{said[1:]}") from None
