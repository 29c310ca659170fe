"""How batches get from host to host: a seam of one method."""

from typing import Protocol

from simlab.errors import HostDiedError


class Transport(Protocol):
    """Carries batches; may delay, repeat and reorder them, and loses none while both hosts live."""

    async def send(self, host: str, batch: bytes) -> None:
        """Give a batch to a host's `Host.receive`; returns once it has it.

        Args:
            host: Name of the receiving host.
            batch: What `Host.receive` takes.

        Raises:
            HostDiedError: The host is not there.
            StaleEpochError: The host refuses the sender, who was replaced.
        """
        ...


class NoTransport:
    """The transport of a host that is alone."""

    async def send(self, host: str, batch: bytes) -> None:
        """Refuse: there is nobody to send to."""
        raise HostDiedError(f"no way leads to host {host!r}; {len(batch)} bytes were not sent")
