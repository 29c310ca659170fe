"""The models of a run file as a service: started once on a cluster, for all runs that join it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from simlab.actors.ray_address import named_address
from simlab.errors import ConfigError
from simlab.models.engines import ModelSpec, build, read_spec
from simlab.models.held import Held
from simlab.models.serving import PREFIX, RUNNING, App, ReplicaStatistics, Server, shared_app
from simlab.sim.config import RunFile


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How a model that a cluster serves is.

    Attributes:
        name: Of the model in the run file; that of the app where no file is given.
        app: What serves it; models of equal options share one.
        replicas: What each of them is busy with, where the app answers.
    """

    name: str
    app: App
    replicas: tuple[ReplicaStatistics, ...] = ()


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
            ConfigError: There are none, weights are missing, or a model cannot be served.
        """
        for name, spec in served_specs(file).items():
            app = (await self._apps()).get(shared_app(spec))
            if app is not None and app.state != RUNNING:
                await self._server.stop(app.name)
            if app is None or app.state != RUNNING:
                await self._server.start(shared_app(spec), name, spec)
        return await self.status(file)

    async def down(self, file: RunFile) -> list[ServiceStatus]:
        """End what serves the models of a file; gives how it was."""
        before = await self.status(file)
        for app in {status.app.name for status in before if status.app.state != _DOWN}:
            await self._server.stop(app)
        return before

    async def status(self, file: RunFile | None = None) -> list[ServiceStatus]:
        """How the models of a file are, or all that SimLab serves on the cluster."""
        apps = await self._apps()
        if file is None:
            wanted = {name: name for name in apps if name.startswith(PREFIX)}
        else:
            wanted = {name: shared_app(spec) for name, spec in served_specs(file).items()}
        found = {name: apps.get(app) or App(app, _DOWN, 0) for name, app in wanted.items()}
        return [await self._status(name, app) for name, app in found.items()]

    async def _status(self, name: str, app: App) -> ServiceStatus:
        replicas = await self._server.statistics(app) if app.state == RUNNING else []
        return ServiceStatus(name, app, tuple(replicas))

    async def _apps(self) -> Mapping[str, App]:
        return {app.name: app for app in await self._server.apps()}


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


_DOWN = "DOWN"
"""The state of an app that is not there."""
