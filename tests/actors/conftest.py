"""Hosts and systems for tests; what one test needs to pass on one kind, it passes on all."""

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from simlab.actors import ActorSystem, Host
from simlab.actors.memory_cluster import MemoryCluster


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


@pytest.fixture(
    params=[
        pytest.param("alone", id="no hosts"),
        pytest.param("memory", id="2 hosts in memory"),
        pytest.param("ray", id="2 hosts in Ray", marks=pytest.mark.ray),
    ]
)
async def system(request: pytest.FixtureRequest) -> AsyncIterator[ActorSystem]:
    """An actor system of each kind, started."""
    match request.param:
        case "alone":
            system = ActorSystem()
        case "memory":
            system = ActorSystem(2, cluster=MemoryCluster())
        case _:
            request.getfixturevalue("ray_session")
            system = ActorSystem(2)
    async with system:
        yield system
