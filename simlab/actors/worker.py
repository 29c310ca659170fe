"""What runs in a host process: a host, its line to the driver, and its ways to other hosts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from simlab.actors.host import Host
from simlab.actors.parcel import Pickle, pack_error, pickle_5
from simlab.actors.process import (
    DRIVER,
    ActorFailed,
    HostPlan,
    HostUnreachable,
    News,
    Spawn,
    spawn_in,
)
from simlab.actors.ref import ActorRef
from simlab.actors.statistics import HostStatistics
from simlab.errors import HostDiedError, StaleEpochError

Deliver = Callable[[bytes], Awaitable[None]]
"""Gives a batch to another host."""


class Worker:
    """Does what the driver asks of a host process, wherever that process runs.

    Nobody can call the driver, so what is for it waits until it polls.

    Args:
        plan: What to become.
        dumps: Makes bytes of what goes to other hosts.
        on_stale: Called when the host was replaced and has stopped everything.

    Attributes:
        host: The host.
    """

    def __init__(
        self,
        plan: HostPlan,
        *,
        dumps: Pickle = pickle_5,
        on_stale: Callable[[StaleEpochError], None] | None = None,
    ) -> None:
        self.host = Host(
            plan.system,
            plan.name,
            epoch=plan.epoch,
            transport=self,
            dumps=dumps,
            on_failure=self._on_failure,
            on_unreachable=self._on_unreachable,
            on_stale=on_stale,
        )
        self._ways: dict[str, Deliver] = {}
        self._news: list[News] = []
        self._has_news = asyncio.Event()
        self._taken = self.host.loop.create_future()
        self.host.links.meet(DRIVER, plan.driver_epoch)

    async def deliver(self, batch: bytes) -> None:
        """Take a batch from another host."""
        self.host.links.receive(batch)

    async def poll(self) -> Sequence[News]:
        """Wait for news, and take all there are."""
        await self._has_news.wait()
        self._has_news.clear()
        news, self._news = self._news, []
        taken, self._taken = self._taken, self.host.loop.create_future()
        taken.set_result(None)
        return news

    async def meet(self, peer: str, epoch: int, deliver: Deliver) -> None:
        """Know another host from now on, and how to reach it."""
        self._ways[peer] = deliver
        self.host.links.meet(peer, epoch)

    async def lose(self, peer: str, epoch: int) -> None:
        """Know that another host is gone."""
        self.host.links.lose(peer, epoch)

    async def forget(self, peer: str) -> None:
        """Know that another host is gone for good."""
        self._ways.pop(peer, None)
        self.host.links.forget(peer)

    async def spawn(self, order: Spawn) -> None:
        """Make an actor here; raises what `Host.start` raises."""
        await spawn_in(self.host, order)

    async def stop(self, name: str) -> None:
        """Stop an actor; raises what `Host.stop` raises."""
        await self.host.stop(name)

    async def statistics(self) -> HostStatistics:
        """What was done here so far, and who waits."""
        return self.host.statistics()

    async def retire(self, successor: int) -> None:
        """Stop, since a host of epoch `successor` has taken the place of this one."""
        host = self.host
        host.retire(
            StaleEpochError(f"epoch {host.epoch} of {host.name!r} was replaced by {successor}")
        )

    async def close(self) -> None:
        """Stop all actors and wait until what they told others is sent."""
        await self.host.close()

    async def send(self, host: str, batch: bytes) -> None:
        """Carry a batch to another host: this is the transport of this one."""
        if host == DRIVER:
            taken = self._taken
            self._tell(batch)
            await asyncio.shield(taken)
            return
        deliver = self._ways.get(host)
        if deliver is None:
            raise HostDiedError(f"host {self.host.name!r} has never met host {host!r}")
        await deliver(batch)

    def _on_failure(self, ref: ActorRef, error: Exception) -> None:
        self._tell(ActorFailed(ref, pack_error(error, self.host.dumps)))

    def _on_unreachable(self, name: str, epoch: int) -> None:
        self._tell(HostUnreachable(name, epoch))

    def _tell(self, news: News) -> None:
        self._news.append(news)
        self._has_news.set()
