"""Ray Serve: the replicas of a model, started, found, asked and ended.

The only file of models that imports Ray. An app holds one model; each of its deployments is one
replica, so that a caller can choose which one it asks: that keeps a session where its prompts are
cached, which Serve's own router does only where its experimental hashing is switched on.
"""

import asyncio
import logging
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayActorError, RayTaskError
from ray.serve import context
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import LoggingConfig

from simlab.actors.ray import cause_of, module_paths
from simlab.errors import ConfigError, ReplicaDiedError
from simlab.models.courier import Lane
from simlab.models.desk import Desk
from simlab.models.embedder import AnyModel
from simlab.models.engines import ModelSpec, build
from simlab.models.held import Held
from simlab.models.serving import App, ReplicaStatistics, shared_app
from simlab.stray import first_line

ENGINE_DIED = 4
"""Exit status of a replica whose engine has died."""

_OPTIONS: Mapping[str, Any] = {
    "max_ongoing_requests": 1024,  # parcels; the default of 5 would starve the engine's batch
    "health_check_period_s": 10,
    "health_check_timeout_s": 60,  # a replica under load is slow to say that it is well
    "graceful_shutdown_timeout_s": 5,
    "max_constructor_retry_count": 1,
    "logging_config": LoggingConfig(log_level="ERROR"),
}

logging.getLogger("ray.serve").setLevel(logging.ERROR)  # it tells of every router and app

_ILL = ("UNHEALTHY", "DEPLOY_FAILED")

_START_FAILED = "failed to start"
"""What Serve says of a replica whose start has raised."""

_RAISED = re.compile(r"^(?:[a-z_]\w*\.)*([A-Z]\w*(?:Error|Exception)): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Order:
    """What the replicas of an app are to serve; it pickles.

    Attributes:
        name: Of the model.
        spec: Of the model, as a run file has it.
        shared: What `shared_app` gave when the app was started: one that comes back in the place of
            one that died must not answer with what was overwritten since.
        paths: Where the driver finds modules; added to where a replica does.
    """

    name: str
    spec: ModelSpec
    shared: str
    paths: Sequence[str]


class Replica:
    """One replica: a model in a process of its own, and the desk before it.

    Args:
        order: What it is to serve.
        others: The app's other replicas, which are its own business to start.

    Raises:
        ConfigError: Weights or files are not what they were when the app was started.
    """

    def __init__(self, order: Order, *others: DeploymentHandle[Any]) -> None:
        del others
        sys.path.extend(path for path in order.paths if path not in sys.path)
        model = build(order.name, order.spec)
        if shared_app(order.spec) != order.shared:
            raise ConfigError(
                "the weights or files that it names are not what they were when it was started; "
                "put those back, or take it down and up again"
            )
        self._engine = model.open() if isinstance(model, Held) else None
        self._desk = Desk(model, on_engine_died=_exit)

    async def answer(self, parcel: bytes) -> AsyncIterator[bytes]:
        """See `Desk.answer`."""
        async for part in self._desk.answer(parcel):
            yield part

    async def drop(self, parcel: bytes) -> None:
        """See `Desk.drop`."""
        self._desk.drop(parcel)

    async def statistics(self) -> ReplicaStatistics:
        """What it is busy with."""
        engine = None if self._engine is None else self._engine.statistics()
        return ReplicaStatistics(os.getpid(), self._desk.n_running, engine)

    async def check_health(self) -> None:
        """Raise if the engine has died; Serve asks every ten seconds."""
        if self._engine is not None:
            await self._engine.check_health()


class ServeLane:
    """The way to one replica; see `Lane`.

    Args:
        app: Whose.
        number: Of the replica.
    """

    def __init__(self, app: str, number: int) -> None:
        handle = serve.get_deployment_handle(_deployment(number), app)
        # By value: a reference would make each call write to Ray's store and read from it.
        options = handle.options(_by_reference=False)
        self._app = app
        self._deployment = _deployment(number)
        self._answer: Any = options.options(method_name="answer", stream=True)
        self._drop = options.options(method_name="drop")
        self._statistics = options.options(method_name="statistics")

    async def answer(self, parcel: bytes) -> AsyncIterator[bytes]:
        """See `Desk.answer`."""
        answer = self._answer.remote(parcel)
        try:
            async for part in answer:
                yield part
        except (asyncio.CancelledError, GeneratorExit):
            answer.cancel()
            raise
        except RayActorError as error:
            raise _died(error) from error
        except RayTaskError as error:
            raise cause_of(error) from error

    async def drop(self, parcel: bytes) -> None:
        """See `Desk.drop`."""
        try:
            await self._drop.remote(parcel)
        except RayActorError as error:
            raise _died(error) from error

    async def trouble(self) -> str | None:
        """Why the replica does not come back; see `Lane.trouble`.

        One that is being replaced is `UNHEALTHY` for as long as its weights take to load; only what
        its start has raised tells that it will not come.
        """
        app = (await asyncio.to_thread(serve.status)).applications.get(self._app)
        if app is None or self._deployment not in app.deployments:
            return f"{self._app} was taken down"
        replica = app.deployments[self._deployment]
        if replica.status in _ILL and _START_FAILED in replica.message:
            return f"{self._deployment} of {self._app} does not start: {_reason(replica.message)}"
        return None

    async def statistics(self) -> ReplicaStatistics:
        """What the replica is busy with."""
        statistics: ReplicaStatistics = await self._statistics.remote()
        return statistics


def lanes_to(app: str, n_replicas: int) -> Sequence[Lane]:
    """The ways to an app's replicas, by number."""
    return [ServeLane(app, number) for number in range(n_replicas)]


class RayServe:
    """Starts, lists and ends apps on the Ray that this process is connected to; see `Server`."""

    def __init__(self) -> None:
        forget: Any = context._set_global_client
        forget(None)  # it may be of a Ray that this process has left

    async def start(self, app: str, name: str, spec: ModelSpec) -> int:
        """Serve a model, and wait until it answers; see `Server.start`."""
        n_replicas = spec.replicas or 1
        _check_resources(name, n_replicas, spec)
        await asyncio.to_thread(_run, app, name, _application(name, spec, n_replicas))
        return n_replicas

    async def stop(self, app: str) -> None:
        """End an app and its replicas; see `Server.stop`."""
        await asyncio.to_thread(serve.delete, app)

    async def statistics(self, app: App) -> list[ReplicaStatistics]:
        """What each replica of an app is busy with, by number."""
        lanes = [ServeLane(app.name, number) for number in range(app.n_replicas)]
        return [await lane.statistics() for lane in lanes]

    async def apps(self) -> list[App]:
        """All apps of the cluster, by name."""
        status = await asyncio.to_thread(serve.status)
        return [
            App(name, overview.status.value, len(overview.deployments), overview.message)
            for name, overview in sorted(status.applications.items())
        ]


def _deployment(number: int) -> str:
    return f"replica-{number}"


def _application(name: str, spec: ModelSpec, n_replicas: int) -> serve.Application:
    """Replica 0 is what Serve calls the ingress, and binds the others so that they are started."""
    resources = {"num_cpus": spec.num_cpus, "num_gpus": spec.num_gpus}
    deployment = serve.deployment(ray_actor_options=resources, **_OPTIONS)(Replica)
    order = Order(name, spec, shared_app(spec), module_paths())
    others = [
        deployment.options(name=_deployment(number)).bind(order) for number in range(1, n_replicas)
    ]
    return deployment.options(name=_deployment(0)).bind(order, *others)


def _run(app: str, name: str, application: serve.Application) -> None:
    serve.start(proxy_location="Disabled", logging_config=LoggingConfig(log_level="ERROR"))
    try:
        serve.run(application, name=app, route_prefix=None)
    except RuntimeError as error:
        status = serve.status().applications.get(app)
        message = str(error) if status is None else _message_of(status)
        serve.delete(app, _blocking=False)
        raise ConfigError(f"models.{name} cannot be served: {_reason(message)}") from error


def _message_of(status: Any) -> str:
    parts = [status.message, *(part.message for part in status.deployments.values())]
    return "\n".join(parts)


def _reason(message: str) -> str:
    """The last error that a traceback tells of, without its class where it is one of ours."""
    raised = _RAISED.findall(message)
    if not raised:
        return message.strip()
    kind, said = raised[-1]
    return str(said) if kind == "ConfigError" else f"{kind}: {said}"


def _check_resources(name: str, n_replicas: int, spec: ModelSpec) -> None:
    """See that the cluster has what the replicas claim: Serve would wait for it for ever.

    Raises:
        ConfigError: It has not; says how much is wanted and how much is there.
    """
    has: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    free: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
    for kind, each in (("GPU", spec.num_gpus), ("CPU", spec.num_cpus)):
        if n_replicas * each > free.get(kind, 0):
            raise ConfigError(
                f"models.{name}: {n_replicas} replicas of {each:g} {kind} want "
                f"{n_replicas * each:g}, and the cluster has {has.get(kind, 0):g}, of which "
                f"{free.get(kind, 0):g} are free; ask for fewer or join a larger cluster"
            )
    if not spec.num_gpus:
        _check_memory(name, n_replicas, build(name, spec), has.get("memory", 0))


def _check_memory(name: str, n_replicas: int, model: AnyModel, has_bytes: float) -> None:
    """See that machines without GPUs can hold the replicas; on a GPU its engine sees to that."""
    each = model.memory_bytes() if isinstance(model, Held) else 0
    if n_replicas * each > has_bytes:
        raise ConfigError(
            f"models.{name}: {n_replicas} replicas of {each / 2**30:.1f} GiB want "
            f"{n_replicas * each / 2**30:.1f} GiB of memory, and the cluster has "
            f"{has_bytes / 2**30:.1f}; ask for fewer, take a dtype of 16 bits, or join a larger "
            "cluster"
        )


def _died(error: RayActorError) -> ReplicaDiedError:
    return ReplicaDiedError(f"a replica has died: {first_line(error)}")


def _exit() -> None:
    """End a replica whose engine has died; Serve starts another one in its place."""
    sys.stderr.flush()
    os._exit(ENGINE_DIED)
