"""Ray: host processes that are Ray actors, on this machine or on a cluster.

The only file here that imports Ray. A Ray actor is a process, and a call to one costs far more
than a message within a process; so each holds a whole host, and a call carries a whole batch.
"""

import logging
import os
import pickle
import socket
import sys
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, NoReturn

import ray
from ray import cloudpickle
from ray.actor import ActorHandle
from ray.exceptions import RayError, RayTaskError

from simlab.actors.live import NAMESPACE, LiveRun, host_name, runs_of
from simlab.actors.parcel import Pickle
from simlab.actors.process import HostPlan, News, Peer, Spawn
from simlab.actors.ray_address import named_address, refusal, require_answer
from simlab.actors.statistics import HostStatistics
from simlab.actors.worker import Worker
from simlab.errors import ConfigError, HostDiedError, StaleEpochError
from simlab.stray import first_line

STALE = 3
"""Exit status of a host process that was replaced."""

LOOP_ENDED = 4
"""Exit status of a host process whose event loop was ended, as by a `sys.exit` in a task."""


def dumps(value: object) -> bytes:
    """Bytes of anything that plain pickle takes, and of what is defined in a script or notebook.

    Plain pickle is much faster, and takes classes of ``__main__`` by a name that no other
    process knows; those, and what it refuses, cloudpickle takes by value.
    """
    try:
        data = pickle.dumps(value, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError):
        return _by_value(value)
    return _by_value(value) if b"__main__" in data else data


class RayHost:
    """The Ray actor: a worker, with a pulse that beats beside its event loop.

    Args:
        plan: What to become.
        paths: Where the driver finds modules; added to where this process does.
    """

    def __init__(self, plan: HostPlan, paths: Sequence[str]) -> None:
        sys.path.extend(path for path in paths if path not in sys.path)
        self._worker = Worker(plan, dumps=dumps, on_stale=_exit)

    @ray.method(concurrency_group="control")
    async def pid(self) -> int:
        """The process id; answers from a thread of its own, also while the event loop is busy.

        Once the event loop has ended, so does the process: nothing else in it will answer.
        """
        if not self._worker.host.loop.is_running():
            os._exit(LOOP_ENDED)
        return os.getpid()

    async def turn(self) -> None:
        """Answer from the event loop of the host, where `pid` does not."""

    async def deliver(self, batch: bytes) -> None:
        """See `Worker.deliver`."""
        await self._worker.deliver(batch)

    async def poll(self) -> Sequence[News]:
        """See `Worker.poll`."""
        return await self._worker.poll()

    async def meet(self, peers: Mapping[str, Peer]) -> None:
        """See `Worker.meet`."""
        for name, peer in peers.items():
            await self._worker.meet(name, peer.epoch, peer.process.deliver)

    async def lose(self, peer: str, epoch: int) -> None:
        """See `Worker.lose`."""
        await self._worker.lose(peer, epoch)

    async def forget(self, peer: str) -> None:
        """See `Worker.forget`."""
        await self._worker.forget(peer)

    async def spawn(self, order: bytes) -> None:
        """See `Worker.spawn`; the order is pickled."""
        await self._worker.spawn(pickle.loads(order))

    async def stop(self, name: str) -> None:
        """See `Worker.stop`."""
        await self._worker.stop(name)

    async def statistics(self) -> HostStatistics:
        """See `Worker.statistics`."""
        return await self._worker.statistics()

    async def retire(self, successor: int) -> None:
        """See `Worker.retire`."""
        await self._worker.retire(successor)

    async def close(self) -> None:
        """See `Worker.close`."""
        await self._worker.close()


class RayProcess:
    """A Ray actor as a `HostProcess`; a value that works in all processes of the cluster.

    Args:
        plan: What it is.
        handle: Of the Ray actor.
        pid: Its process id.
    """

    def __init__(self, plan: HostPlan, handle: ActorHandle[RayHost], pid: int = 0) -> None:
        self.pid = pid
        self._plan = plan
        self._handle = handle

    async def deliver(self, batch: bytes) -> None:
        """Give it a batch."""
        await _get(self._handle.deliver.remote(batch), self._plan)

    async def poll(self) -> Sequence[News]:
        """Wait until it has news."""
        news: Sequence[News] = await _get(self._handle.poll.remote(), self._plan)
        return news

    async def ping(self) -> None:
        """Return if it lives."""
        await _get(self._handle.pid.remote(), self._plan)

    async def turn(self) -> None:
        """Return once its event loop takes a turn."""
        await _get(self._handle.turn.remote(), self._plan)

    async def meet(self, peers: Mapping[str, Peer]) -> None:
        """Make other hosts known to it."""
        await _get(self._handle.meet.remote(peers), self._plan)

    async def lose(self, peer: str, epoch: int) -> None:
        """Tell it that another host is gone."""
        await _get(self._handle.lose.remote(peer, epoch), self._plan)

    async def forget(self, peer: str) -> None:
        """Tell it that another host is gone for good."""
        await _get(self._handle.forget.remote(peer), self._plan)

    async def spawn(self, order: Spawn) -> None:
        """Make an actor there."""
        await _get(self._handle.spawn.remote(dumps(order)), self._plan)

    async def stop(self, name: str) -> None:
        """Stop an actor there."""
        await _get(self._handle.stop.remote(name), self._plan)

    async def statistics(self) -> HostStatistics:
        """What was done there so far."""
        statistics: HostStatistics = await _get(self._handle.statistics.remote(), self._plan)
        return statistics

    async def retire(self, successor: int) -> None:
        """Tell it that it was replaced."""
        await _get(self._handle.retire.remote(successor), self._plan)

    async def close(self) -> None:
        """Stop its actors."""
        await _get(self._handle.close.remote(), self._plan)

    def kill(self) -> None:
        """End it."""
        ray.kill(self._handle)


class RayCluster:
    """Starts hosts as Ray actors; see `Cluster`.

    Joins the Ray that this process uses already; else the one at an address; else starts one on
    this machine, and ends it at the close.

    Args:
        address: Of a cluster; by default what ``RAY_ADDRESS`` says, if anything.
        run: Path of the run whose hosts are started, told to whoever looks at the cluster.
    """

    def __init__(self, address: str | None = None, *, run: str | None = None) -> None:
        self._address = named_address(address)
        self._run = None if run is None else LiveRun(run, socket.gethostname(), os.getpid())
        self._is_ours = False

    @property
    def dumps(self) -> Pickle:
        """Takes what is defined in a script or a notebook as well."""
        return dumps

    async def check(self) -> None:
        """See that a machine takes connections at the address, if there is one and it is used.

        Raises:
            ConfigError: None does.
        """
        if not ray.is_initialized():
            await require_answer(self._address, here=_own_address())

    async def open(self) -> None:
        """Connect to Ray; blocks the event loop for seconds if it must be started.

        Raises:
            ConfigError: There is no cluster at the address, or it does not let this process in.
        """
        if ray.is_initialized():
            return
        await self.check()
        try:
            ray.init(
                address=self._address or "local",  # not what was started here once, dead or alive
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, ValueError, RayError) as error:
            raise ConfigError(refusal(self._address, error)) from error
        self._is_ours = True

    async def start(self, plan: HostPlan) -> RayProcess:
        """Start a host; waits for resources that others use now.

        Raises:
            ConfigError: The cluster does not have what the host claims.
            HostDiedError: It ended before it was a host.
        """
        _check_resources(plan)
        options: dict[str, Any] = {
            "num_cpus": plan.resources.num_cpus,
            "num_gpus": plan.resources.num_gpus,
            "max_restarts": 0,  # a restart would speak in the same epoch
            "max_task_retries": 0,  # a retry would break the order
            "max_concurrency": 1_000,
            "scheduling_strategy": "SPREAD",
            "concurrency_groups": {"control": 2},
        }
        if self._run is not None:  # not detached: the name ends with the host
            name = host_name(self._run, plan.system, plan.name, plan.epoch)
            options |= {"name": name, "namespace": NAMESPACE}
        handle: Any = ray.remote(**options)(RayHost).remote(plan, module_paths())
        return RayProcess(plan, handle, await _get(handle.pid.remote(), plan))

    async def close(self) -> None:
        """End Ray if it was started here."""
        if self._is_ours:
            ray.shutdown()


async def live_runs(address: str) -> list[LiveRun]:
    """The runs that have hosts on a cluster now; this process joins it, and stays.

    Args:
        address: Of the cluster.

    Raises:
        ConfigError: There is no cluster, it does not let this process in, or answers no more.
    """
    await RayCluster(address).open()
    try:
        named: Sequence[Mapping[str, str]] = ray.util.list_named_actors(all_namespaces=True)
    except (RuntimeError, RayError) as error:
        raise ConfigError(refusal(address, error)) from error
    return runs_of(each["name"] for each in named if each["namespace"] == NAMESPACE)


async def _get(answer: Awaitable[Any], plan: HostPlan) -> Any:
    """The answer of a Ray actor; what it raised as it was raised there."""
    try:
        return await answer
    except RayTaskError as error:
        raise cause_of(error) from None
    except RayError as error:
        raise HostDiedError(
            f"host {plan.name!r} of epoch {plan.epoch} has died: {first_line(error)}"
        ) from error


def _own_address() -> str:
    """The address of this machine by which others know it."""
    address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    return address


def module_paths() -> list[str]:
    """Where this process finds modules, in words that do not depend on where it stands."""
    return [os.path.abspath(path) for path in sys.path]


def _by_value(value: object) -> bytes:
    data: bytes = cloudpickle.dumps(value, protocol=5)  # type: ignore[no-untyped-call]
    return data


def cause_of(error: RayTaskError) -> BaseException:
    """What was raised in the Ray actor."""
    return error.cause if isinstance(error.cause, BaseException) else error


def _check_resources(plan: HostPlan) -> None:
    has: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for kind, claimed in (("CPU", plan.resources.num_cpus), ("GPU", plan.resources.num_gpus)):
        if claimed > has.get(kind, 0):
            raise ConfigError(
                f"host {plan.name!r} claims {claimed} {kind}, and the cluster has "
                f"{has.get(kind, 0)}; claim less or join a larger cluster"
            )


def _exit(_error: StaleEpochError) -> NoReturn:
    """End a host process that was replaced, whatever it is at; why has been logged."""
    sys.stderr.flush()
    os._exit(STALE)
