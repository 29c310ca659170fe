"""Hosts and systems for tests; what one test needs to pass on one kind, it passes on all."""

from collections.abc import AsyncIterator

import pytest

from simlab.actors import ActorSystem, Host
from simlab.actors.memory_cluster import MemoryCluster


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    """A host that is alone."""
    host = Host("test", "here")
    yield host
    await host.close()


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
