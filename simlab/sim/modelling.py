"""Models of a run: from what its file says to the values that agents are given."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from simlab.actors import ActorSystem
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


async def start_models(specs: Specs, system: ActorSystem) -> dict[str, Model]:
    """The models of a run, ready to be asked from every host of a system.

    Weights that a process must load live in one actor of their own, and not in each host; with no
    hosts beside this process they live here.

    Raises:
        ConfigError: An engine or option is wrong, or weights cannot be had.
    """
    models = build_models(specs)
    if not system.hosts:
        return models
    return {name: await _shared(name, model, system) for name, model in models.items()}


async def _shared(name: str, model: Model, system: ActorSystem) -> Model:
    if not isinstance(model, TransformersModel):
        return model
    ref = await system.spawn(ModelActor, model, name=f"model/{name}", placement="dedicated")
    return ActorModel(name, ref)


def _spec(name: str, spec: Mapping[str, Any]) -> ModelSpec:
    try:
        return ModelSpec.model_validate(spec)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(["models", name, *map(str, problem["loc"])])
        said = problem["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{key}: {said[0].lower()}{said[1:]}") from None
