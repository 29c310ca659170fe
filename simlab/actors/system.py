"""An actor system: the hosts of one run, and the actors that are spawned into them."""

import asyncio
import contextlib
import itertools
import os
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, Self

from simlab.actors.actor import Actor
from simlab.actors.fleet import Fleet, OnHost
from simlab.actors.host import MAILBOX, Host, log_failure
from simlab.actors.process import DRIVER, Cluster, NoCluster, Resources, Spawn
from simlab.actors.ref import ActorRef
from simlab.actors.statistics import HostStatistics
from simlab.errors import ActorError
from simlab.seeding import derive

Placement = Literal["shared", "dedicated"]
"""With others in one of the system's hosts, or alone in a host of its own."""


async def _ignore(_host: str, _epoch: int) -> None:
    """Nobody wants to know."""


class ActorSystem:
    """Starts hosts, spawns actors into them, and ends it all.

    With `hosts=0` everything lives in this process and nothing is pickled; otherwise this process
    is a host as well, named ``"driver"``, beside the others. Actors and their users see no
    difference. A host that dies is replaced, and its successor gets actors of the same arguments
    and addresses.

    Example::

        async with ActorSystem(hosts=2) as system:
            counter = await system.spawn(Counter, name="visits")
            await counter.tell(Add(1))

    Args:
        hosts: How many processes to share actors among, beside this one.
        address: Of a Ray cluster to join; by default that in ``RAY_ADDRESS``, or one of its own.
        heartbeat_s: A host that gives no sign of life for so long is replaced, in seconds.
        turn_s: So is one whose event loop an actor blocks for so long, and while the system closes
            it is ended after a few seconds of that. By default actors may block it as they like.
        next_epoch: Gives the epoch of the host that is about to start, by its name; must grow from
            call to call. By default it counts from 1.
        on_host_lost: Awaited with name and epoch of a host that was lost, before anybody learns it.
        on_host_replaced: Awaited with name and epoch of its successor, which has the actors that
            were spawned there from here.
        on_failure: Called with an actor and an error that it raised for a `tell`; logs by default.
        run: Path of the run that this is of, told to whoever looks at the Ray cluster.
        cluster: Where hosts are started; by default Ray, which is not imported for 0 hosts.

    Attributes:
        id: Tells this system from all others.
        hosts: Names of the hosts that actors share; empty for 0 hosts. This process, ``"driver"``,
            and hosts of dedicated actors are not among them.
    """

    def __init__(
        self,
        hosts: int = 0,
        address: str | None = None,
        *,
        heartbeat_s: float = 5.0,
        turn_s: float | None = None,
        next_epoch: Callable[[str], int] | None = None,
        on_host_lost: OnHost = _ignore,
        on_host_replaced: OnHost = _ignore,
        on_failure: Callable[[ActorRef, Exception], None] = log_failure,
        run: str | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        if hosts < 0:
            raise ValueError(f"hosts must be 0 or more, got {hosts!r}")
        self.id = uuid.uuid4().hex
        self.hosts: tuple[str, ...] = tuple(f"host-{number}" for number in range(hosts))
        self._cluster = cluster or (ray_cluster(address, run) if hosts else NoCluster())
        self._heartbeat_s = heartbeat_s
        self._turn_s = turn_s
        self._next_epoch = next_epoch or _count()
        self._on_host_lost = on_host_lost
        self._on_host_replaced = on_host_replaced
        self._on_failure = on_failure
        self._numbers = itertools.count()
        self._fleet: Fleet | None = None

    async def __aenter__(self) -> Self:
        """Start all hosts."""
        if self._fleet is not None:
            raise ActorError("an ActorSystem is entered once; make another one")
        await self._cluster.open()
        try:
            self._fleet = Fleet(
                self.id,
                self._cluster,
                next_epoch=self._next_epoch,
                heartbeat_s=self._heartbeat_s,
                turn_s=self._turn_s,
                on_host_lost=self._on_host_lost,
                on_host_replaced=self._on_host_replaced,
                on_failure=self._on_failure,
            )
            await self._start_hosts(self._fleet)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop all actors and end all hosts.

        Raises:
            Exception: A host could not be kept alive, which has cancelled the body.
        """
        fleet = self._started()
        if fleet.failure is not None:
            await _forget_cancellation()
        await self._close()
        if fleet.failure is not None:
            raise fleet.failure from error

    @property
    def driver(self) -> Host:
        """The host in this process."""
        return self._started().driver

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of all hosts beside this process, the dedicated ones included."""
        return self._started().pids

    async def spawn(
        self,
        actor_class: type[Actor],
        *args: Any,
        name: str | None = None,
        host: str | None = None,
        placement: Placement = "shared",
        mailbox: int = MAILBOX,
        num_cpus: float = 0,
        num_gpus: float = 0,
        **kwargs: Any,
    ) -> ActorRef:
        """Make an actor, and wait until its `started` hook is done.

        Args:
            actor_class: What it is; importable in every process.
            args: For its `__init__`; pickled unless it lives in this process.
            name: Its name; by default its class and a number.
            host: One of `hosts`, or ``"driver"`` for this process. By default a named actor's host
                follows from its name, and unnamed ones are dealt out in turn.
            placement: ``"dedicated"`` for a host process of its own, in a system that has hosts.
            mailbox: How many messages may wait for it, at least 1.
            num_cpus: What a dedicated process claims.
            num_gpus: What a dedicated process claims.
            kwargs: For its `__init__`.

        Raises:
            ValueError: The host is none of this system, or the name is in use there.
            ConfigError: There never will be the resources that are claimed.
            Exception: What `__init__` or `started` raised, or `HostDiedError`.
        """
        number = next(self._numbers)
        where = self._choose(host, number if name is None else derive(0, name))
        name = name or f"{actor_class.__name__}/{number}"
        order = Spawn(actor_class, name, args, kwargs, mailbox)
        if placement == "dedicated" and self.hosts:
            where = await self._started().spawn_alone(order, Resources(num_cpus, num_gpus))
        else:
            await self._started().spawn(where, order)
        return ActorRef(self.id, where, name)

    async def stop(self, ref: ActorRef) -> None:
        """Stop an actor for good, and with a dedicated one its host; see `Host.stop`.

        Raises:
            ActorStoppedError: There is no such actor.
            Exception: What the `stopped` hook raised.
        """
        fleet = self._started()
        try:
            await fleet.stop(ref)
        finally:
            if ref.host not in (*self.hosts, DRIVER):
                await fleet.dismiss(ref.host)

    async def statistics(self) -> list[HostStatistics]:
        """What was done in each host so far and who waits for whom, the driver's first.

        Hosts that are being replaced are left out, and those that are too busy to answer soon.
        """
        return await self._started().statistics()

    def _choose(self, host: str | None, number: int) -> str:
        if host is None:
            return self.hosts[number % len(self.hosts)] if self.hosts else DRIVER
        if host not in (*self.hosts, DRIVER):
            raise ValueError(f"host must be one of {(*self.hosts, DRIVER)!r}, got {host!r}")
        return host

    async def _start_hosts(self, fleet: Fleet) -> None:
        """Start all hosts at once; if one cannot be, wait for the others before saying so."""
        starts = [fleet.start(name, Resources()) for name in self.hosts]
        for outcome in await asyncio.gather(*starts, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _close(self) -> None:
        try:
            if self._fleet is not None:
                await self._fleet.close()
        finally:
            await self._cluster.close()

    def _started(self) -> Fleet:
        if self._fleet is None:
            raise ActorError("the ActorSystem is not started; use 'async with ActorSystem(...)'")
        return self._fleet


async def _forget_cancellation() -> None:
    """Take back the cancellation by which a failure has stopped the body."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


def _count() -> Callable[[str], int]:
    numbers = itertools.count(1)
    return lambda _host: next(numbers)


def ray_cluster(address: str | None, run: str | None = None) -> Cluster:
    """Where Ray starts hosts; see `simlab.actors.ray.RayCluster`."""
    # A host that dies is told of by us; Ray would print it to standard output, which is a program's
    # where `--json` is given. Ray reads this when it is imported.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "A worker died or was killed")
    from simlab.actors.ray import RayCluster  # imports Ray, which takes long

    return RayCluster(address, run=run)
