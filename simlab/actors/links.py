"""The links of a host: which incarnation of which other host it talks to."""

from typing import TYPE_CHECKING

from simlab.actors.link import Link
from simlab.actors.parcel import Batch, decode_batch
from simlab.actors.transport import Transport
from simlab.errors import ActorError, HostDiedError, StaleEpochError

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

    def to(self, peer: str) -> Link:
        """The link to another host.

        Raises:
            HostDiedError: It has died and is not replaced yet.
            ActorError: Nobody has made it known here.
        """
        link = self._links.get(peer)
        if link is not None:
            return link
        if peer in self._epochs:
            raise HostDiedError(f"host {peer!r} has died; try again once it is replaced")
        raise ActorError(
            f"host {self._host.name!r} does not know host {peer!r}, expected one of "
            f"{sorted(self._epochs)}; spawn actors through their ActorSystem"
        )

    def meet(self, peer: str, epoch: int) -> None:
        """Talk to an incarnation of another host from now on, unless a younger one is known."""
        if epoch > self._epochs.get(peer, -1) or (
            epoch == self._epochs[peer] and peer not in self._links
        ):
            ...
