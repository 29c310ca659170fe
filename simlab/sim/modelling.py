"""Models of a run: from what its file says to the values that agents are given."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from simlab.actors import ActorSystem
from simlab.actors.system import ray_cluster
from simlab.models.adapted import Adapted
from simlab.models.allowance import Allowance
from simlab.models.budgeted import BudgetedModel, is_priced
from simlab.models.budgeted_embedder import BudgetedEmbedder
from simlab.models.embedder import AnyModel
from simlab.models.engines import ModelSpec, build, embeds, read_spec
from simlab.models.held import Held
from simlab.models.in_process import InProcessModel
from simlab.models.model import Model
from simlab.models.person_model import PersonModel
from simlab.models.served import ServedModel
from simlab.models.served_embedder import ServedEmbedder
from simlab.models.serving import RUNNING, App, Server, own_app, shared_app
from simlab.models.weights import fingerprint
from simlab.sim.control.board import Board
from simlab.sim.control.board_model import BoardModel
from simlab.sim.staging import Staging

Specs = Mapping[str, Mapping[str, Any]]
"""What a run file has under ``models``."""


def build_models(specs: Specs) -> dict[str, AnyModel]:
    """The models that a run file describes, by name; no weights are loaded.

    Raises:
        ConfigError: An engine or option is wrong.
    """
    return {name: build(name, spec) for name, spec in specs.items()}


def check_weights(models: Mapping[str, AnyModel]) -> None:
    """See that the weights of all models are there, and their adapters.

    Raises:
        ConfigError: Some are not; says how to get them.
    """
    for model in models.values():
        if isinstance(model, Held):
            model.folder()
        if isinstance(model, Adapted):
            model.check_adapter()


def fingerprints(specs: Specs) -> dict[str, str]:
    """What tells the weights of each model from others, by name; scripted models have none.

    Raises:
        ConfigError: Weights are not there.
    """
    return {
        name: fingerprint(model.folder())
        for name, model in build_models(specs).items()
        if isinstance(model, Held)
    }


def adapter_fingerprints(specs: Specs) -> dict[str, str]:
    """What tells the adapter of each model from others, by name; most models have none.

    Those of endpoints lie where their servers find them.
    """
    return {
        name: fingerprint(Path(model.adapter))
        for name, model in build_models(specs).items()
        if isinstance(model, InProcessModel) and model.adapter is not None
    }


class SharedModels:
    """The models of a run that are asked from more than one process: Ray Serve serves them.

    They are those whose file says how many `replicas` there are, and where there are hosts all
    whose weights a process must hold. An app that `simlab models up` has started is used as it is;
    else the run starts one, which ends with it. All other models are made by each host for itself.

    Args:
        system: Where they are asked.
        owner: Tells this run from others: one that is gone on with finds what it left behind.
        address: Of a Ray cluster to join, where the system has not done so.
        serves_held: Whether models whose weights a process must hold are served without
            `replicas` too; None: where there are hosts.
    """

    def __init__(
        self,
        system: ActorSystem,
        owner: str,
        *,
        address: str | None = None,
        serves_held: bool | None = None,
    ) -> None:
        self._system = system
        self._serves_held = bool(system.hosts) if serves_held is None else serves_held
        self._owner = owner
        self._address = address
        self._server: Server | None = None
        self._apps: dict[str, App] = {}
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        """End the apps that this run has started."""
        await self._exit.aclose()

    async def start(self, specs: Specs) -> dict[str, AnyModel]:
        """The models that are served, by name; what was started is used again.

        Raises:
            ConfigError: An engine or option is wrong, or a model cannot be served.
        """
        checked = {name: read_spec(name, spec) for name, spec in specs.items()}
        return {
            name: await self._served(name, spec)
            for name, spec in checked.items()
            if spec.replicas is not None or (self._serves_held and _is_held(name, spec))
        }

    async def _served(self, name: str, spec: ModelSpec) -> AnyModel:
        shared = shared_app(spec)
        if shared not in self._apps:
            server = await self._connect()
            own = own_app(shared, self._owner)
            found = await self._find(server, shared, own)
            self._apps[shared] = found or await self._start(server, own, name, spec)
        app = self._apps[shared]
        if embeds(spec):
            return ServedEmbedder(name, app.name, app.n_replicas)
        return ServedModel(name, app.name, app.n_replicas).with_adapter(spec.adapter)

    async def _find(self, server: Server, shared: str, own: str) -> App | None:
        """An app that serves such a model already: one for all, or one this run left behind."""
        apps = {app.name: app for app in await server.apps()}
        for_all, left = apps.get(shared), apps.get(own)
        if for_all is not None and for_all.state == RUNNING:
            return for_all
        if left is not None and left.state == RUNNING:
            self._exit.push_async_callback(server.stop, own)
            return left
        if left is not None:
            await server.stop(own)
        return None

    async def _start(self, server: Server, app: str, name: str, spec: ModelSpec) -> App:
        self._exit.push_async_callback(server.stop, app)  # also of one whose start is broken off
        n_replicas = await server.start(app, name, spec)
        return App(app, RUNNING, n_replicas)

    async def _connect(self) -> Server:
        """Where apps are started; connects to Ray where no host has done so."""
        if self._server is None:
            if not self._system.hosts:
                cluster = ray_cluster(self._address)
                await cluster.open()
                self._exit.push_async_callback(cluster.close)
            self._server = _ray_serve()
        return self._server


def furnished(staging: Staging, board: Board | None = None) -> Staging:
    """What a host knows of a run, with the models added that it makes for itself.

    Where the run has a budget, all of them are paid for out of its purse.

    Args:
        staging: As the driver has it.
        board: Where people are asked who stand for models.
    """
    allowance = None if staging.purse is None else Allowance(staging.purse)

    def furnish(specs: Specs, shared: Mapping[str, AnyModel]) -> dict[str, AnyModel]:
        made = build_models(specs)
        models = {name: _asked(name, model, board) for name, model in {**made, **shared}.items()}
        if allowance is None:
            return models
        return {
            name: _budgeted(model, allowance, priced=is_priced(made[name]))
            for name, model in models.items()
        }

    *before, now = [furnish(run.models, shared) for run, shared in staging.configurations()]
    return replace(
        staging,
        models=now,
        models_before=tuple(before),
        make_models=lambda specs: furnish(specs, {}),
    )


def _asked(name: str, model: AnyModel, board: Board | None) -> AnyModel:
    """A model; one that is a person is asked where there is a board."""
    if board is None or not isinstance(model, PersonModel):
        return model
    return BoardModel(model.name, board, name)


def _budgeted(model: AnyModel, allowance: Allowance, *, priced: bool) -> AnyModel:
    """A model whose calls an allowance pays for."""
    if isinstance(model, Model):
        return BudgetedModel(model, allowance, priced)
    return BudgetedEmbedder(model, allowance, priced)


def _ray_serve() -> Server:
    # Imported here because Ray takes seconds, which a run without it should not pay.
    from simlab.models.serve import RayServe

    return RayServe()


def _is_held(name: str, spec: ModelSpec) -> bool:
    return isinstance(build(name, spec), Held)
