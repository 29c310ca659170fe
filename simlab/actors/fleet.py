"""The fleet: the host processes of a system, started, watched, and replaced when they die."""

import asyncio
import logging
import pickle
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from simlab.actors.host import Host, log_failure
from simlab.actors.parcel import unpack_error
from simlab.actors.process import (
    DRIVER,
    ActorFailed,
    Cluster,
    HostPlan,
    HostProcess,
    HostUnreachable,
    News,
    Peer,
    Resources,
    Spawn,
)
from simlab.actors.ref import ActorRef
from simlab.errors import HostDiedError, StaleEpochError

ATTEMPTS = 3
"""How often in a row a host may die before it is up again, until the system gives up."""

_logger = logging.getLogger(__name__)

OnHost = Callable[[str, int], Awaitable[None]]
"""Is awaited with the name of a host and an epoch."""


@dataclass(slots=True)
class Member:
    """A host of the fleet, in its present incarnation.

    Attributes:
        name: Of the host.
        epoch: Of this incarnation.
        process: Where it runs.
        resources: What it claims, and its successors will.
        orders: The actors that were spawned there from here, by name; they are made anew in a
            successor.
        unreachable: Set when another host could not reach it.
    """

    name: str
    epoch: int
    process: HostProcess
    resources: Resources
    orders: dict[str, Spawn]
    unreachable: asyncio.Event = field(default_factory=asyncio.Event)


class Fleet:
    """Keeps a host of each name alive.

    Of a host that dies or hangs, first `on_host_lost` is awaited, then everybody who waits for it
    fails, then a successor of a higher epoch is started, gets its actors, and is made known; what
    was sent to it meanwhile has waited. The predecessor, should it live, is refused by all and told
    to end itself.

    Args:
        system: Id of the actor system.
        cluster: Where processes are started.
        next_epoch: Gives the epoch of a host that is about to start; grows from call to call.
        heartbeat_s: A host that gives no sign of life for so long counts as dead, in seconds.
        on_host_lost: Awaited with the name and epoch of a host that was lost.
        on_host_replaced: Awaited with the name and epoch of its successor.
        on_failure: Called with an actor, of any host, and an error that nobody waits for.

    Attributes:
        driver: The host in this process.
    """

    def __init__(
        self,
        system: str,
        cluster: Cluster,
        *,
        next_epoch: Callable[[str], int],
        heartbeat_s: float,
        on_host_lost: OnHost,
        on_host_replaced: OnHost,
        on_failure: Callable[[ActorRef, Exception], None],
    ) -> None:
        self._cluster = cluster
        self._next_epoch = next_epoch
        self._heartbeat_s = heartbeat_s
        self._on_host_lost = on_host_lost
        self._on_host_replaced = on_host_replaced
        self._on_failure = on_failure
        self._members: dict[str, Member] = {}
        self._replaced: list[HostProcess] = []
        self._closing = False
        self._group: asyncio.TaskGroup
        self.driver = Host(
            system,
            DRIVER,
            epoch=next_epoch(DRIVER),
            transport=self,
            on_failure=on_failure,
            on_unreachable=self._on_unreachable,
        )
