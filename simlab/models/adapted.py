"""Models that can tell before anything is asked whether they take their adapter."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Adapted(Protocol):
    """A model with an adapter, or without any."""

    @property
    def adapter(self) -> str | None:
        """Folder of the adapter."""
        ...

    def check_adapter(self) -> None:
        """See that the adapter, if there is one, can be had; nothing is loaded.

        Raises:
            ConfigError: It cannot, or the engine does not take it.
        """
        ...
