"""Hosts of one process, with a network between them that does as it is told: for tests."""

import asyncio
from collections.abc import Iterable, Sequence

from simlab.actors.host import Host
from simlab.errors import HostDiedError, StaleEpochError


class MemoryTransport:
    """Carries batches between hosts of one process, late, twice or out of order if told so.

    Example::

        transport = MemoryTransport(fates=[(3,), (0, 5)])  # the first comes late, the second twice
        a, b = Host("s", "a", transport=transport), Host("s", "b", transport=transport)
        transport.connect(a, b)

    Args:
        fates: For each batch, in the order in which they are sent, when its copies arrive: after so
            many turns of the event loop. Batches beyond these arrive once and at once.
    """

    def __init__(self, fates: Iterable[Sequence[int]] = ()) -> None:
        self._fates = iter(fates)
        self._hosts: dict[str, Host] = {}
        self._copies: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    def connect(self, *hosts: Host) -> None:
        """Make hosts known to each other; one of a name that is known replaces its namesake."""
        self._hosts |= {host.name: host for host in hosts}
        for host in self._hosts.values():
            for peer in self._hosts.values():
                if peer is not host:
                    host.links.meet(peer.name, peer.epoch)

    def cut(self, name: str) -> None:
        """Let no batch reach a host any more."""
        del self._hosts[name]

    def hold(self) -> None:
        """Let nothing arrive until `release`."""
        self._flowing.clear()

    def release(self) -> None:
        """Let everything arrive again, in the order in which it was sent."""
        self._flowing.set()

    async def send(self, host: str, batch: bytes) -> None:
        """Carry a batch, as its fate is; see `Transport.send`."""
        first, *others = next(self._fates, (0,))
        for turns in others:
            copy = asyncio.create_task(self._arrive_again(host, batch, turns))
            self._copies.add(copy)
            copy.add_done_callback(self._copies.discard)
        await self._arrive(host, batch, turns=first)

    async def wait_until_quiet(self) -> None:
        """Wait until all copies have arrived."""
        while self._copies:
            await asyncio.wait(self._copies)

    async def _arrive_again(self, host: str, batch: bytes, turns: int) -> None:
        try:
            await self._arrive(host, batch, turns)
        except (HostDiedError, StaleEpochError):
            return  # the sender has not sent this copy, and is not told of its end

    async def _arrive(self, host: str, batch: bytes, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await self._flowing.wait()
        if host not in self._hosts:
            raise HostDiedError(f"host {host!r} cannot be reached")
        self._hosts[host].links.receive(batch)
