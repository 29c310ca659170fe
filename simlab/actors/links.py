"""The links of a host: which incarnation of which other host it talks to."""

import asyncio
from typing import TYPE_CHECKING

from simlab.actors.link import Link
from simlab.actors.parcel import Batch, decode_batch
from simlab.actors.transport import Transport
from simlab.errors import ActorStoppedError, HostDiedError, StaleEpochError

if TYPE_CHECKING:
    from simlab.actors.host import Host


class Links:
    """Knows the youngest incarnation of each other host, and listens to no older one.

    Args:
        host: This side.
        transport: The way to the others.
    """

    def __init__(self, host: "Host", transport: Transport) -> None:
        self._host = host
        self._transport = transport
        self._links: dict[str, Link] = {}
        self._epochs: dict[str, int] = {}
        self._met: dict[str, asyncio.Event] = {}
        self._closed = False

    def get(self, peer: str) -> Link | None:
        """The link to another host, unless it has died or is not known."""
        return self._links.get(peer)

    async def wait_for(self, peer: str) -> None:
        """Wait until there is a link to another host: until it was replaced, if it has died.

        Raises:
            ActorStoppedError: It is not known here, or gone for good, or this host has closed.
        """
        while peer not in self._links:
            if peer not in self._met or self._closed:
                raise ActorStoppedError(
                    f"host {self._host.name!r} knows no host {peer!r}, expected one of "
                    f"{sorted(self._links)}; its actors have stopped or never were"
                )
            await self._met[peer].wait()

    def meet(self, peer: str, epoch: int) -> None:
        """Talk to an incarnation of another host from now on, unless a younger one is known."""
        if epoch < self._epochs.get(peer, 0):
            return
        self._epochs[peer] = epoch
        link = self._links.get(peer)
        if link is not None and link.epoch < epoch:
            self._end(link, f"epoch {link.epoch} of host {peer!r} was replaced by epoch {epoch}")
        if peer not in self._links:
            link = Link(self._host, peer, epoch=epoch, transport=self._transport)
            self._links[peer] = link
            self._met.setdefault(peer, asyncio.Event()).set()

    def lose(self, peer: str, epoch: int) -> None:
        """Listen no more to an incarnation of another host, nor to older ones.

        Asks that wait for it fail; what is sent to it from now on waits for its successor.
        """
        self._epochs[peer] = max(epoch + 1, self._epochs.get(peer, 0))
        link = self._links.get(peer)
        if link is not None and link.epoch <= epoch:
            self._end(link, f"epoch {link.epoch} of host {peer!r} has died")

    def forget(self, peer: str) -> None:
        """Know another host no more; what waits for it or is sent to it fails."""
        self.lose(peer, self._epochs.get(peer, 0))
        self._met.pop(peer, asyncio.Event()).set()

    def close(self) -> None:
        """End all links, since this host ends."""
        self._closed = True
        for link in list(self._links.values()):
            self._end(link, f"host {self._host.name!r} has closed")
        for met in self._met.values():
            met.set()

    def receive(self, data: bytes) -> None:
        """Take a batch.

        Raises:
            StaleEpochError: The sender was replaced; names both epochs.
            HostDiedError: The batch is for another incarnation of this host, or the link was lost.
        """
        batch = decode_batch(data)
        self._check_receiver(batch)
        if self._closed:
            raise HostDiedError(f"host {self._host.name!r} has closed")
        expected = self._epochs.get(batch.sender, 0)
        if batch.sender_epoch < expected:
            raise StaleEpochError(
                f"host {batch.sender!r} speaks as epoch {batch.sender_epoch}, which was replaced; "
                f"host {self._host.name!r} listens to epoch {expected} and later"
            )
        self.meet(batch.sender, batch.sender_epoch)
        self._links[batch.sender].receive(batch)

    async def wait_until_sent(self) -> None:
        """Wait until all hosts have what was sent to them so far."""
        for link in list(self._links.values()):
            await link.wait_until_sent()

    def _check_receiver(self, batch: Batch) -> None:
        here = (self._host.system, self._host.name, self._host.epoch)
        if (batch.system, batch.receiver, batch.receiver_epoch) != here:
            raise HostDiedError(
                f"a batch is for epoch {batch.receiver_epoch} of host {batch.receiver!r} in system "
                f"{batch.system!r}, and came to epoch {here[2]} of host {here[1]!r} in {here[0]!r}"
            )

    def _end(self, link: Link, reason: str) -> None:
        del self._links[link.peer]
        self._met[link.peer].clear()
        link.lose(f"{reason}; what was asked there may or may not have been done")
