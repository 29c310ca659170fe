"""The models of a run file as a service: started once on a cluster, for all runs that join it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from simlab.actors.ray_address import named_address
from simlab.errors import ConfigError
from simlab.find import near
from simlab.models.engines import ModelSpec, build, read_spec
from simlab.models.held import Held
from simlab.models.serving import PREFIX, RUNNING, App, ReplicaStatistics, Server, shared_app
from simlab.sim.config import RunFile


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How a model that a cluster serves is.

    Attributes:
        name: Of the model in the run file; where no file is given, of the one that the app was
            started for, and empty if no replica tells it.
        app: What serves it; models of equal options share one.
        replicas: What each of them is busy with, where the app answers; None of one that does not.
    """

    name: str
    app: App
    replicas: tuple[ReplicaStatistics | None, ...] = ()


class ModelService:
    """What a cluster serves; made by `connected`.

    Args:
        server: Of the cluster.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    async def up(self, file: RunFile) -> list[ServiceStatus]:
        """Serve all models of a file that are to be served; those that are up stay as they are.

        Raises:
            ConfigError: There are none, weights are missing, a model cannot be served, or one is up
                with fewer replicas than the file asks for.
        """
        up = await self._apps()
        for wanted, (name, spec) in _by_app(served_specs(file)).items():
            app = up.get(wanted)
            if app is not None and app.state == RUNNING:
                _check_replicas(name, spec, app)
                continue
            if app is not None:
                await self._server.stop(wanted)
            await self._server.start(wanted, name, spec)
        return await self.status(file)

    async def down(self, what: RunFile | str) -> list[ServiceStatus]:
        """End what serves the models of a file, or one app by its name; gives how it is then.

        Raises:
            ConfigError: There is no such app.
        """
        found = await self._find(what) if isinstance(what, str) else await self._of_file(what)
        ended = {app.name for _, app in found if app.state != _DOWN}
        for app in ended:
            await self._server.stop(app)
        return [
            ServiceStatus(
                name, replace(app, state=_ENDED, message="") if app.name in ended else app
            )
            for name, app in found
        ]

    async def status(self, file: RunFile | None = None) -> list[ServiceStatus]:
        """How the models of a file are, or all that SimLab serves on the cluster."""
        if file is not None:
            found = await self._of_file(file)
        else:
            found = [("", app) for app in (await self._apps()).values()]
        return list(await asyncio.gather(*(self._status(name, app) for name, app in found)))

    async def _status(self, name: str, app: App) -> ServiceStatus:
        replicas = await self._server.statistics(app) if app.state == RUNNING else []
        told = name or next((replica.model for replica in replicas if replica is not None), "")
        return ServiceStatus(told, app, tuple(replicas))

    async def _of_file(self, file: RunFile) -> list[tuple[str, App]]:
        """The models of a file, each with the app that serves it or would."""
        apps = await self._apps()
        wanted = {name: shared_app(spec) for name, spec in served_specs(file).items()}
        return [(name, apps.get(app) or App(app, _DOWN, 0)) for name, app in wanted.items()]

    async def _find(self, name: str) -> list[tuple[str, App]]:
        apps = await self._apps()
        if name not in apps:
            raise ConfigError(
                f"the cluster has no app {name!r}; {near(name, apps)}; `simlab models status` "
                "tells of all"
            )
        return [("", apps[name])]

    async def _apps(self) -> Mapping[str, App]:
        """All apps of SimLab, by name."""
        apps = await self._server.apps()
        return {app.name: app for app in apps if app.name.startswith(PREFIX)}


@asynccontextmanager
async def connected(address: str | None) -> AsyncIterator[ModelService]:
    """The service of a cluster that is there already: one made here would end with the command.

    Args:
        address: Of the cluster; by default what ``RAY_ADDRESS`` says, else one on this machine.

    Raises:
        ConfigError: No cluster answers.
    """
    # Imported here because Ray takes seconds, which other commands should not pay.
    from simlab.actors.ray import RayCluster
    from simlab.models.serve import RayServe

    cluster = RayCluster(named_address(address) or "auto")
    await cluster.open()
    try:
        yield ModelService(RayServe())
    finally:
        await cluster.close()


def served_specs(file: RunFile) -> dict[str, ModelSpec]:
    """The models of a file that a cluster serves: with `replicas`, or with weights; by name.

    Raises:
        ConfigError: There are none, or their weights are not there.
    """
    specs = {name: read_spec(name, spec) for name, spec in file.models.items()}
    served: dict[str, ModelSpec] = {}
    for name, spec in specs.items():
        model = build(name, spec)
        if isinstance(model, Held):
            model.folder()
        if spec.replicas is not None or isinstance(model, Held):
            served[name] = spec
    if not served:
        raise ConfigError(
            f"{file.name} has no model to serve among {[*specs]!r}; give one replicas, such as "
            "{engine: vllm, weights: embedded, replicas: 1}"
        )
    return served


def _by_app(specs: Mapping[str, ModelSpec]) -> dict[str, tuple[str, ModelSpec]]:
    """What is to be started, by app: of models that share one, that with the most replicas."""
    by_app: dict[str, tuple[str, ModelSpec]] = {}
    for name, spec in sorted(specs.items(), key=lambda item: item[1].replicas or 1):
        by_app[shared_app(spec)] = (name, spec)
    return by_app


def _check_replicas(name: str, spec: ModelSpec, app: App) -> None:
    """See that an app which is up has the replicas that are asked for: Serve would restart all."""
    if app.n_replicas < (spec.replicas or 1):
        raise ConfigError(
            f"models.{name} is to have {spec.replicas} replicas, and {app.name} is up with "
            f"{app.n_replicas}; end it first: simlab models down {app.name}"
        )


_ENDED = "ENDED"
"""The state of an app that was just taken down."""

_DOWN = "DOWN"
"""The state of an app that is not there."""
