"""How batches get from host to host: a seam of one method."""

from typing import Protocol


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
