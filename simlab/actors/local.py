"""Which host of a system is in this process: how a reference finds its way."""

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from simlab.actors.envelope import handled
from simlab.errors import ActorError

if TYPE_CHECKING:
    from simlab.actors.host import Host

_hosts: "WeakValueDictionary[str, Host]" = WeakValueDictionary()
"""The host of each system that has one in this process; it ends with the host."""


def local_host(system: str) -> "Host":
    """The host of a system in this process; inside an actor, the actor's own.

    Raises:
        ActorError: This process has no host of that system.
    """
    here = handled.get()
    if here is not None and here.cell.host.system == system:
        return here.cell.host
    host = _hosts.get(system)
    if host is None:
        raise ActorError(
            f"this process has no host of actor system {system!r}; use its actors inside "
            f"'async with ActorSystem(...)' or inside its actors"
        )
    return host


def register(host: "Host") -> None:
    """Let references find a host; the first of a system in a process stays."""
    _hosts.setdefault(host.system, host)


def unregister(host: "Host") -> None:
    """Let references find a host no longer."""
    if _hosts.get(host.system) is host:
        del _hosts[host.system]
