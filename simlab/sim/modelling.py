"""Models of a run: from what its file says to the values that agents are given."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simlab.actors import ActorRef, ActorSystem
from simlab.models.actor_model import ActorModel, ModelActor
from simlab.models.engines import build
from simlab.models.in_process import TransformersModel
from simlab.models.model import Model
from simlab.models.weights import fingerprint, resolve
from simlab.sim.staging import Staging

Specs = Mapping[str, Mapping[str, Any]]
"""What a run file has under ``models``."""


def build_models(specs: Specs) -> dict[str, Model]:
    """The models that a run file describes, by name; no weights are loaded.

    Raises:
        ConfigError: An engine or option is wrong.
    """
    return {name: build(name, spec) for name, spec in specs.items()}


def check_weights(models: Mapping[str, Model]) -> None:
    """See that the weights of all models are there.

    Raises:
        ConfigError: Some are not; says how to get them.
    """
    for model in models.values():
        if isinstance(model, TransformersModel):
            resolve(model.weights)


def fingerprints(specs: Specs) -> dict[str, str]:
    """What tells the weights of each model from others, by name; scripted models have none.

    Raises:
        ConfigError: Weights are not there.
    """
    return {
        name: fingerprint(resolve(model.weights))
        for name, model in build_models(specs).items()
        if isinstance(model, TransformersModel)
    }


class SharedWeights:
    """The models of a system, ready to be asked from all its hosts.

    Weights that a process must load live in an actor of their own and not in each host, and models
    that differ in nothing but their names share it. All other models are made by each host for
    itself, and so are all where there is but this process, which shares its weights as well.

    Args:
        system: Where they are asked.
    """

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._actors: dict[TransformersModel, ActorRef] = {}

    async def start(self, specs: Specs) -> dict[str, Model]:
        """The models that all hosts ask together, by name; what was loaded is used again.

        Raises:
            ConfigError: An engine or option is wrong, or weights cannot be had.
        """
        if not self._system.hosts:
            return {}
        models = build_models(specs)
        return {
            name: await self._shared(model, specs[name])
            for name, model in models.items()
            if isinstance(model, TransformersModel)
        }

    async def _shared(self, model: TransformersModel, spec: Mapping[str, Any]) -> Model:
        nameless = replace(model, name="")
        if nameless not in self._actors:
            name = f"model/{model.name}/{len(self._actors)}"
            self._actors[nameless] = await self._system.spawn(
                _Holder, model.name, spec, name=name, placement="dedicated"
            )
        return ActorModel(model.name, self._actors[nameless])


def furnished(staging: Staging) -> Staging:
    """What a host knows of a run, with the models added that it makes for itself."""
    before = [fork.before.models for fork in staging.forks]
    return replace(
        staging,
        models={**build_models(staging.run.models), **staging.models},
        models_before=tuple(
            {**build_models(specs), **shared}
            for specs, shared in zip(before, staging.models_before, strict=True)
        ),
    )


class _Holder(ModelActor):
    """Makes the model that it holds: a class in a user's file is known to no other process."""

    def __init__(self, name: str, spec: Mapping[str, Any]) -> None:
        super().__init__(build_models({name: spec})[name])
