"""Host processes, as the driver sees them: a seam, so that Ray is one way of having some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from simlab.actors.actor import Actor
from simlab.actors.host import Host
from simlab.actors.parcel import Pickle, pickle_5
from simlab.actors.ref import ActorRef
from simlab.actors.statistics import HostStatistics
from simlab.errors import ConfigError

DRIVER = "driver"
"""Name of the host that lives in the process which drives the system."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a host process claims for itself.

    Attributes:
        num_cpus: Logical CPUs; hosts that only share the machine claim none.
        num_gpus: GPUs, which no other process sees then.
    """

    num_cpus: float = 0
    num_gpus: float = 0


@dataclass(frozen=True, slots=True)
class HostPlan:
    """All that a process must know to become a host.

    Attributes:
        system: Id of the actor system.
        name: Name of the host.
        epoch: Which incarnation it is.
        driver_epoch: Epoch of the driver's host.
        resources: What it claims.
    """

    system: str
    name: str
    epoch: int
    driver_epoch: int
    resources: Resources = field(default_factory=Resources)


@dataclass(frozen=True, slots=True)
class Spawn:
    """Make an actor.

    Attributes:
        actor_class: What it is.
        name: Its name.
        args: For its `__init__`.
        kwargs: For its `__init__`.
        mailbox: How many messages may wait for it.
    """

    actor_class: type[Actor]
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    mailbox: int


async def spawn_in(host: Host, order: Spawn) -> None:
    """Make an actor in a host; raises what `Host.start` raises."""
    await host.start(
        order.actor_class, *order.args, name=order.name, mailbox=order.mailbox, **order.kwargs
    )


@dataclass(frozen=True, slots=True)
class ActorFailed:
    """News: an actor raised something for which nobody waits; `error` is packed."""

    ref: ActorRef
    error: bytes


@dataclass(frozen=True, slots=True)
class HostUnreachable:
    """News: a batch did not reach a host."""

    name: str
    epoch: int


News = bytes | ActorFailed | HostUnreachable
"""What a host has for the driver; bytes are a batch."""


class HostProcess(Protocol):
    """A process in which a host lives.

    Every method raises `HostDiedError` once the process is gone, and waits without end for one that
    hangs: the caller owns the time-out.
    """

    @property
    def pid(self) -> int:
        """Process id, on the machine where it runs."""
        ...

    async def deliver(self, batch: bytes) -> None:
        """Give it a batch; raises what `Links.receive` raises."""
        ...

    async def poll(self) -> Sequence[News]:
        """Wait until it has news for the driver."""
        ...

    async def ping(self) -> None:
        """Return if it lives, however busy its event loop is."""
        ...

    async def turn(self) -> None:
        """Return once its event loop takes a turn, which it does not while an actor blocks it."""
        ...

    async def meet(self, peers: "Mapping[str, Peer]") -> None:
        """Make other hosts known to it."""
        ...

    async def lose(self, peer: str, epoch: int) -> None:
        """Tell it that another host is gone."""
        ...

    async def forget(self, peer: str) -> None:
        """Tell it that another host is gone for good."""
        ...

    async def spawn(self, order: Spawn) -> None:
        """Make an actor there; raises what `Host.start` raises."""
        ...

    async def stop(self, name: str) -> None:
        """Stop an actor there; raises what `Host.stop` raises."""
        ...

    async def statistics(self) -> HostStatistics:
        """What was done there so far, and who waits."""
        ...

    async def retire(self, successor: int) -> None:
        """Tell it that it was replaced by a host of epoch `successor`, so that it ends itself."""
        ...

    async def close(self) -> None:
        """Stop its actors and wait until what they told others is sent."""
        ...

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """Another host, as a host is told of it."""

    epoch: int
    process: HostProcess


class Cluster(Protocol):
    """Where host processes can be started."""

    @property
    def dumps(self) -> Pickle:
        """Makes bytes of what goes from one of its processes to another."""
        ...

    async def check(self) -> None:
        """See in seconds, and without getting ready, that it is there; raises ConfigError."""
        ...

    async def open(self) -> None:
        """Get ready; raises ConfigError if that cannot be."""
        ...

    async def start(self, plan: HostPlan) -> HostProcess:
        """Start a process and wait until it is a host.

        Raises:
            ConfigError: There never will be the resources that it claims.
            HostDiedError: It ended before it was a host.
        """
        ...

    async def close(self) -> None:
        """Give back what `open` took."""
        ...


class NoCluster:
    """The cluster of a system that has no hosts beside the driver."""

    @property
    def dumps(self) -> Pickle:
        """Plain pickle, though nothing goes anywhere."""
        return pickle_5

    async def check(self) -> None:
        """Nothing to do."""

    async def open(self) -> None:
        """Nothing to do."""

    async def start(self, plan: HostPlan) -> HostProcess:
        """Refuse."""
        raise ConfigError(f"host {plan.name!r} cannot be started in a system of 0 hosts")

    async def close(self) -> None:
        """Nothing to do."""
