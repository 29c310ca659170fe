"""Hosts and systems for tests; what one test needs to pass on one kind, it passes on all."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from simlab.actors import ActorRef, ActorSystem, Host
from simlab.actors.memory import MemoryTransport
from simlab.actors.memory_cluster import MemoryCluster
from tests.actors.players import join, turns

NewHost = Callable[..., Host]
"""Makes a host of the test's system, with the arguments of `Host` that come after the system."""


@pytest.fixture
async def new_host() -> AsyncIterator[NewHost]:
    """Makes hosts, and closes them after the test."""
    system = uuid.uuid4().hex
    hosts: list[Host] = []

    def new(name: str = "here", **kwargs: Any) -> Host:
        hosts.append(Host(system, name, **kwargs))
        return hosts[-1]

    yield new
    for host in hosts:
        host.abort()


@pytest.fixture
async def host(new_host: NewHost) -> Host:
    """A host that is alone."""
    return new_host()


@pytest.fixture
async def transport() -> MemoryTransport:
    """A network between hosts of this process."""
    return MemoryTransport()


@pytest.fixture
async def hosts(transport: MemoryTransport) -> AsyncIterator[list[Host]]:
    """Two hosts that reach each other."""
    hosts = join(transport, "a", "b")
    yield hosts
    for host in hosts:
        host.abort()
    await turns(3)


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[
        pytest.param("alone", id="no hosts"),
        pytest.param("memory", id="2 hosts in memory"),
        pytest.param("ray", id="2 hosts in Ray", marks=pytest.mark.ray),
    ],
)
async def system(
    request: pytest.FixtureRequest, failures: asyncio.Queue[tuple[ActorRef, Exception]]
) -> AsyncIterator[ActorSystem]:
    """An actor system of each kind, started once for all tests of a module."""
    if request.param == "ray":
        request.getfixturevalue("ray_session")
    async with ActorSystem(
        hosts=0 if request.param == "alone" else 2,
        cluster=MemoryCluster() if request.param == "memory" else None,
        on_failure=lambda ref, error: failures.put_nowait((ref, error)),
    ) as system:
        yield system


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def failures() -> asyncio.Queue[tuple[ActorRef, Exception]]:
    """What actors of `system` raised and nobody waited for."""
    return asyncio.Queue()
