"""Ray Serve: the replicas of a model, started, found, asked and ended.

The only file of models that imports Ray. An app holds one model; each of its deployments is one
replica, so that a caller can choose which one it asks: that keeps a session where its prompts are
cached, which Serve's own router does only where its experimental hashing is switched on.
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import ray
from ray import serve
from ray._private.state import available_resources_per_node
from ray.exceptions import RayActorError, RayTaskError
from ray.serve import context
from ray.serve.exceptions import RayServeException
from ray.serve.schema import LoggingConfig

from simlab.actors.ray import cause_of, module_paths
from simlab.errors import ConfigError, ReplicaDiedError, SimlabError
from simlab.models.claims import Claim, Machine, check_room, claim_of
from simlab.models.courier import Lane
from simlab.models.engines import ModelSpec
from simlab.models.replica import Order, Replica
from simlab.models.serving import RUNNING, App, ReplicaStatistics, shared_app
from simlab.stray import first_line

_PLACE_S = 120.0
"""A replica that has no machine after so long will have none: others took what was free."""

_START_S = 3600.0
"""The longest start that is waited for; the largest weights take many minutes."""

_ASK_AGAIN_S = 0.2

_ANSWER_S = 10.0
"""A replica that does not tell within so long what it is busy with is taken for hung."""

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

_UNPLACED = "to be scheduled"
"""What Serve says of replicas that have no machine."""

_RAISED = re.compile(r"^(?:[a-z_]\w*\.)*([A-Z]\w*(?:Error|Exception)): (.+)$", re.MULTILINE)


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
        app = await _status_of(self._app)
        if app is None or self._deployment not in app.deployments:
            return f"{self._app} was taken down"
        replica = app.deployments[self._deployment]
        if replica.status in _ILL and _START_FAILED in replica.message:
            return f"{self._deployment} of {self._app} does not start: {_reason(replica.message)}"
        return None

    async def statistics(self) -> ReplicaStatistics | None:
        """What the replica is busy with; None where it does not answer."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                statistics: ReplicaStatistics = await self._statistics.remote()
        except (TimeoutError, RayActorError):
            return None
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
        machines = await asyncio.to_thread(machines_of)
        claim = claim_of(name, spec, machines)
        check_room(name, claim, n_replicas, machines)
        order = Order(name, spec, shared_app(spec), module_paths(), on_gpu=claim.gpus > 0)
        try:
            await asyncio.to_thread(_deploy, app, _application(order, claim, n_replicas))
            await _wait_running(app)
        except BaseException as error:
            await self._delete(app, wait=False)
            if isinstance(error, _NotStartedError):
                raise ConfigError(f"models.{name} cannot be served: {error.message}") from error
            raise
        return n_replicas

    async def stop(self, app: str) -> None:
        """End an app and its replicas; see `Server.stop`."""
        await self._delete(app, wait=True)

    async def _delete(self, app: str, *, wait: bool) -> None:
        with suppress(RayServeException):  # no Serve, and no app
            await asyncio.to_thread(serve.delete, app, wait)

    async def statistics(self, app: App) -> list[ReplicaStatistics | None]:
        """What each replica of an app is busy with; see `Server.statistics`."""
        lanes = [ServeLane(app.name, number) for number in range(app.n_replicas)]
        return await asyncio.gather(*(lane.statistics() for lane in lanes))

    async def apps(self) -> list[App]:
        """All apps of the cluster, by name."""
        status = await asyncio.to_thread(serve.status)
        return [
            App(name, app.status.value, len(app.deployments), _reason(_message_of(app)))
            for name, app in sorted(status.applications.items())
        ]


def _deployment(number: int) -> str:
    return f"replica-{number}"


def _application(order: Order, claim: Claim, n_replicas: int) -> serve.Application:
    """Replica 0 is what Serve calls the ingress, and binds the others so that they are started."""
    options = {"num_cpus": claim.cpus, "num_gpus": claim.gpus}
    if claim.memory_bytes:
        options["memory"] = claim.memory_bytes
    deployment = serve.deployment(ray_actor_options=options, **_OPTIONS)(Replica)
    others = [
        deployment.options(name=_deployment(number)).bind(order) for number in range(1, n_replicas)
    ]
    return deployment.options(name=_deployment(0)).bind(order, *others)


def _deploy(app: str, application: serve.Application) -> None:
    serve.start(proxy_location="Disabled", logging_config=LoggingConfig(log_level="ERROR"))
    target = serve.RunTarget(application, name=app, route_prefix=None)
    serve.run_many([target], wait_for_applications_running=False)


async def _wait_running(app: str) -> None:
    """Wait until all replicas of an app answer.

    Raises:
        _NotStartedError: They will not; says why.
    """
    begun = time.monotonic()
    status = await _status_of(app)
    while status is not None and status.status != RUNNING:
        waited_s, message = time.monotonic() - begun, _message_of(status)
        is_unplaced = _UNPLACED in message and waited_s > _PLACE_S
        if status.status != "DEPLOYING" or is_unplaced or waited_s > _START_S:
            raise _NotStartedError(_reason(message) or f"it did not start in {_START_S:g} s")
        await asyncio.sleep(_ASK_AGAIN_S)
        status = await _status_of(app)
    if status is None:
        raise _NotStartedError("it was taken down as it started")


async def _status_of(app: str) -> Any:
    """What Serve says of an app; None where there is none."""
    return (await asyncio.to_thread(serve.status)).applications.get(app)


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


def machines_of() -> list[Machine]:
    """The machines of the cluster."""
    free = available_resources_per_node()  # type: ignore[no-untyped-call]
    return [
        Machine(node["Resources"], free.get(node["NodeID"], {}))
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"]
    ]


class _NotStartedError(SimlabError):
    """An app does not come up."""


def _died(error: RayActorError) -> ReplicaDiedError:
    return ReplicaDiedError(f"a replica has died: {first_line(error)}")
