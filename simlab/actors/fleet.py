"""The fleet: the host processes of a system, started, watched, and replaced when they die."""

import asyncio
import contextlib
import logging
import pickle
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from simlab.actors.cell import stopped_error
from simlab.actors.host import Host
from simlab.actors.member import Member
from simlab.actors.parcel import unpack_error
from simlab.actors.process import (
    DRIVER,
    ActorFailed,
    Cluster,
    HostPlan,
    HostProcess,
    HostUnreachable,
    News,
    Peer,
    Resources,
    Spawn,
    spawn_in,
)
from simlab.actors.ref import ActorRef
from simlab.actors.statistics import HostStatistics
from simlab.errors import HostDiedError, StaleEpochError

ATTEMPTS = 3
"""So often in a row a host may die while it is being replaced, until the system gives up."""

CLOSING_TURN_S = 10.0
"""How long an event loop may be blocked when all is closed: Ctrl-C should not wait for much more,
and what an actor computes by then is of no use to anybody."""

OnHost = Callable[[str, int], Awaitable[None]]
"""Is awaited with the name of a host and an epoch."""

_logger = logging.getLogger(__name__)


class Fleet:
    """Keeps a host of each name alive.

    When a host dies or hangs, first `on_host_lost` is awaited; then all who wait for its answers
    fail; then a successor of a higher epoch is started, gets its actors, and is made known. What is
    sent to it meanwhile waits. The one that was lost is refused by all, should it live, and told to
    end itself.

    Args:
        system: Id of the actor system.
        cluster: Where processes are started.
        next_epoch: Gives the epoch of a host that is about to start; grows from call to call.
        heartbeat_s: A host that gives no sign of life for so long counts as lost, in seconds.
        turn_s: So does one whose event loop takes no turn for so long; None lets actors block it.
        on_host_lost: Awaited with the name and epoch of a host that was lost.
        on_host_replaced: Awaited with the name and epoch of its successor.
        on_failure: Called with an actor of any host and an error that nobody waits for.

    Attributes:
        driver: The host in this process.
        failure: What has gone wrong in here, if anything; the task that made this was cancelled.
    """

    def __init__(
        self,
        system: str,
        cluster: Cluster,
        *,
        next_epoch: Callable[[str], int],
        heartbeat_s: float,
        turn_s: float | None,
        on_host_lost: OnHost,
        on_host_replaced: OnHost,
        on_failure: Callable[[ActorRef, Exception], None],
    ) -> None:
        self._cluster = cluster
        self._next_epoch = next_epoch
        self._heartbeat_s = heartbeat_s
        self._turn_s = turn_s
        self._on_host_lost = on_host_lost
        self._on_host_replaced = on_host_replaced
        self._names: set[str] = set()
        self._members: dict[str, Member] = {}
        self._processes: list[HostProcess] = []
        self._changing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._owner = asyncio.current_task()
        self._closing = False
        self.failure: BaseException | None = None
        self.driver = Host(
            system,
            DRIVER,
            epoch=next_epoch(DRIVER),
            transport=self,
            dumps=cluster.dumps,
            on_failure=on_failure,
            on_unreachable=self._on_unreachable,
        )

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of all hosts but this one, by name."""
        return {name: member.process.pid for name, member in self._members.items()}

    async def start(self, name: str, resources: Resources) -> None:
        """Start a host, make it known, and keep it alive from now on.

        Raises:
            ValueError: There is a host of that name.
            ConfigError: There never will be the resources that it claims.
            HostDiedError: It ended before it was up.
        """
        if name in self._names:
            raise ValueError(f"there is a host {name!r} already; choose another name")
        self._names.add(name)
        try:
            member = await self._launch(name, self._next_epoch(name), resources, {})
        except BaseException:
            await self.dismiss(name)
            raise
        self._begin(self._keep_alive(member))

    async def spawn(self, host: str, order: Spawn) -> None:
        """Make an actor in a host, and in every successor of that host.

        Raises:
            Exception: What `Host.start` raises.
            HostDiedError: The host was lost meanwhile.
        """
        if host == DRIVER:
            await spawn_in(self.driver, order)
            return
        member = self._members[host]
        await member.unless_lost(member.process.spawn(order))
        member.orders[order.name] = order

    async def spawn_alone(self, order: Spawn, resources: Resources) -> str:
        """Make an actor in a host of its own, which does not stay without it; gives its name.

        Raises:
            Exception: What `start` and `spawn` raise.
        """
        host = f"dedicated-{order.name}"
        await self.start(host, resources)
        try:
            await self.spawn(host, order)
        except BaseException:
            await self.dismiss(host)
            raise
        return host

    async def stop(self, ref: ActorRef) -> None:
        """Stop an actor in a host, for good.

        Raises:
            Exception: What `Host.stop` raises.
            HostDiedError: The host was lost meanwhile.
        """
        if ref.host == DRIVER:
            await self.driver.stop(ref.name)
            return
        member = self._members.get(ref.host)
        if member is None:
            raise stopped_error(ref)
        member.orders.pop(ref.name, None)
        await member.unless_lost(member.process.stop(ref.name))

    async def dismiss(self, name: str) -> None:
        """End a host for good, if there is one of that name."""
        self._names.discard(name)
        member = self._members.pop(name, None)
        if member is None:
            return
        await self._close(member)
        member.lose(HostDiedError(f"host {name!r} was dismissed"))
        member.process.kill()
        self.driver.links.forget(name)
        await _all(m.unless_lost(m.process.forget(name)) for m in self._others(member))

    async def statistics(self) -> list[HostStatistics]:
        """The statistics of all hosts that answer within a heartbeat, this one first."""
        answers = await asyncio.gather(*map(self._statistics_of, self._members.values()))
        return [self.driver.statistics(), *(answer for answer in answers if answer is not None)]

    async def send(self, host: str, batch: bytes) -> None:
        """Carry a batch from the driver's host: this is the transport of that."""
        member = self._members.get(host)
        if member is None:
            raise HostDiedError(f"host {host!r} was dismissed")
        await member.process.deliver(batch)

    async def close(self) -> None:
        """Stop all actors and end all hosts, those that were replaced as well."""
        self._closing = True
        if self._turn_s is not None:
            for member in self._members.values():
                self._begin(member.watch_turns(min(self._turn_s, CLOSING_TURN_S)))
        try:
            await self.driver.close()
            await asyncio.gather(*(self._close(member) for member in self._members.values()))
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            for process in self._processes:
                process.kill()

    async def _statistics_of(self, member: Member) -> HostStatistics | None:
        try:
            async with asyncio.timeout(self._heartbeat_s):
                return await member.unless_lost(member.process.statistics())
        except (TimeoutError, HostDiedError):
            return None  # it is lost, or busy, and to say who waits must not wait for that

    async def _close(self, member: Member) -> None:
        """Let a host end well, unless it hangs or dies over it."""
        try:
            await member.unless_lost(member.process.close())
        except HostDiedError as error:
            _logger.warning("%s; it did not close", error)

    async def _launch(
        self, name: str, epoch: int, resources: Resources, orders: dict[str, Spawn]
    ) -> Member:
        """Start a host with its actors and make it known."""
        plan = HostPlan(self.driver.system, name, epoch, self.driver.epoch, resources)
        process = await self._cluster.start(plan)
        self._processes.append(process)
        member = Member(plan, process, orders, self.driver.loop.create_future())
        self._begin(member.watch(self._take, heartbeat_s=self._heartbeat_s, turn_s=self._turn_s))
        await member.unless_lost(self._settle(member))
        return member

    async def _settle(self, member: Member) -> None:
        """Tell a host of all others, give it its actors, and tell all others of it."""
        async with self._changing:
            await member.process.meet({m.name: _peer(m) for m in self._others(member)})
            self._members[member.name] = member
        for order in list(member.orders.values()):
            await member.process.spawn(order)
        async with self._changing:
            self.driver.links.meet(member.name, member.epoch)
            news = {member.name: _peer(member)}
            await _all(m.unless_lost(m.process.meet(news)) for m in self._others(member))

    async def _keep_alive(self, member: Member) -> None:
        """Replace a host whenever it is lost."""
        while True:
            await asyncio.wait({member.lost})
            if self._closing or member.name not in self._names:
                self.driver.links.forget(member.name)
                return
            _logger.warning("%s; it is replaced", member.lost.result())
            successor = await self._replace(member)
            if member.name not in self._names:
                await self.dismiss(member.name)
                return
            self._begin(_retire(member, successor.epoch))
            await self._on_host_replaced(successor.name, successor.epoch)
            member = successor

    async def _replace(self, lost: Member) -> Member:
        """The successor of a host that was lost.

        Raises:
            HostDiedError: Too many successors died at once.
        """
        epoch = lost.epoch
        for attempt in range(1, ATTEMPTS + 1):
            await self._bury(lost, epoch)
            epoch = self._next_epoch(lost.name)
            try:
                return await self._launch(lost.name, epoch, lost.plan.resources, lost.orders)
            except HostDiedError as error:
                _logger.warning("%s; attempt %d of %d", error, attempt, ATTEMPTS)
        raise HostDiedError(
            f"host {lost.name!r} died {ATTEMPTS} times in a row while it was being replaced; see "
            f"what its actors do when they start: {sorted(lost.orders)}"
        )

    async def _bury(self, lost: Member, epoch: int) -> None:
        """Let all know that nothing more comes from an incarnation of a host."""
        await self._on_host_lost(lost.name, epoch)
        self.driver.links.lose(lost.name, epoch)
        await _all(m.unless_lost(m.process.lose(lost.name, epoch)) for m in self._others(lost))

    def _others(self, member: Member) -> list[Member]:
        return [other for name, other in self._members.items() if name != member.name]

    def _take(self, member: Member, news: News) -> None:
        match news:
            case bytes():
                with contextlib.suppress(HostDiedError, StaleEpochError):  # it is told by others
                    self.driver.links.receive(news)
            case ActorFailed(ref, error):
                self.driver.report(ref, unpack_error(pickle.loads(error), member.name))
            case HostUnreachable(name, epoch):
                self._on_unreachable(name, epoch)

    def _on_unreachable(self, name: str, epoch: int) -> None:
        member = self._members.get(name)
        if member is not None and member.epoch == epoch and not self._closing:
            member.lose(HostDiedError(f"a batch did not reach host {name!r} of epoch {epoch}"))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        """Let what goes wrong in the background stop whatever runs in the foreground."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None or self.failure is not None:
            return
        self.failure = error
        if self._owner is not None and not self._closing:
            self._owner.cancel()


def _peer(member: Member) -> Peer:
    return Peer(member.epoch, member.process)


async def _all(tasks: Iterable[Awaitable[None]]) -> None:
    """Wait for what is done with several hosts; those that are lost meanwhile do not matter."""
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, HostDiedError):
            raise outcome


async def _retire(member: Member, successor: int) -> None:
    """Tell a host that it was replaced; it hears of it when it goes on, if ever."""
    with contextlib.suppress(HostDiedError):
        await member.process.retire(successor)
