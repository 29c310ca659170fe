"""A link: what two hosts, in one incarnation each, have to say to each other."""

import logging
from typing import TYPE_CHECKING

from simlab.actors.inbox import Inbox
from simlab.actors.incoming import Incoming
from simlab.actors.outbox import Outbox
from simlab.actors.outgoing import Outgoing
from simlab.actors.parcel import (
    Answered,
    Asked,
    Batch,
    Credited,
    Failed,
    GaveUp,
    Parcel,
    Told,
    encode_batch,
)
from simlab.actors.transport import Transport
from simlab.errors import HostDiedError, StaleEpochError

if TYPE_CHECKING:
    from simlab.actors.host import Host


_logger = logging.getLogger(__name__)


class Link:
    """Joins this host with an incarnation of another.

    For each sender and receiver, messages arrive once and in order, whatever the transport does to
    batches. A slow actor holds up those who send to it and nobody else, by its window; answers and
    credits pass by all windows. The link ends with either incarnation.

    Args:
        host: This side.
        peer: Name of the other side.
        epoch: Epoch of the other side.
        transport: The way there.

    Attributes:
        outgoing: Messages to the other side's actors.
    """

    def __init__(self, host: "Host", peer: str, *, epoch: int, transport: Transport) -> None:
        self.peer = peer
        self.epoch = epoch
        self._host = host
        self._transport = transport
        self._inbox = Inbox()
        self._outbox = Outbox(host.loop, self._ship)
        self._incoming = Incoming(host, self._outbox)
        self.outgoing = Outgoing(host, peer, outbox=self._outbox)

    def receive(self, batch: Batch) -> None:
        """Take a batch from the other side, whenever and however often it comes."""
        for due in self._inbox.accept(batch):
            for parcel in due.parcels:
                self._take(parcel)

    def lose(self, reason: str) -> None:
        """End the link: asks to the other side fail for a reason, asks from there are dropped."""
        self.outgoing.fail(reason)
        self._incoming.abandon_all()
        self._outbox.close()

    async def wait_until_sent(self) -> None:
        """Wait until the other side has all that was sent so far."""
        await self._outbox.wait_until_empty()

    def _take(self, parcel: Parcel) -> None:
        match parcel:
            case Told() | Asked():
                self._incoming.deliver(parcel)
            case Answered() | Failed():
                self.outgoing.settle(parcel)
            case Credited():
                self.outgoing.credit(parcel)
            case GaveUp():
                self._incoming.abandon(parcel)

    async def _ship(self, number: int, parcels: list[Parcel]) -> None:
        host = self._host
        batch = Batch(
            host.system, host.name, host.epoch, self.peer, self.epoch, number, parcels
        )  # fmt: skip
        try:
            await self._transport.send(self.peer, encode_batch(batch))
        except StaleEpochError as error:
            host.retire(error)
        except HostDiedError:
            host.on_unreachable(self.peer, self.epoch)
        except Exception:
            _logger.exception("batch %d from %r to %r failed", number, host.name, self.peer)
            host.on_unreachable(self.peer, self.epoch)
