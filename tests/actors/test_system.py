import asyncio
import sys

import pytest

from simlab.actors import ActorSystem
from simlab.actors.memory_cluster import MemoryCluster, MemoryProcess
from simlab.actors.process import HostPlan
from simlab.errors import ActorError, ConfigError
from tests.actors.players import Ask, Asker, Echo


async def test_a_system_without_hosts_does_without_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "simlab.actors.ray", None)  # importing it is an error now

    async with ActorSystem() as system:
        ref = await system.spawn(Echo, placement="dedicated")

        assert await ref.ask("hello") == "hello"
    with pytest.raises(ImportError):
        ActorSystem(1)


class NoRoom(MemoryCluster):
    """Starts one host and no more."""

    closed = False

    async def start(self, plan: HostPlan) -> MemoryProcess:
        if self.processes:
            raise ConfigError("no room")
        return await super().start(plan)

    async def close(self) -> None:
        self.closed = True
        await super().close()


async def test_sim_16_nothing_is_left_of_a_system_of_which_a_host_cannot_start():
    n_tasks = len(asyncio.all_tasks())
    cluster = NoRoom()

    with pytest.raises(ConfigError, match="no room"):
        await ActorSystem(3, cluster=cluster).__aenter__()

    assert cluster.closed
    assert [process.dead for (process,) in cluster.processes.values()] == [True]
    assert len(asyncio.all_tasks()) == n_tasks


async def test_a_dedicated_host_that_cannot_start_leaves_its_name_free():
    async with ActorSystem(1, cluster=NoRoom()) as system:
        for _ in range(2):
            with pytest.raises(ConfigError, match="no room"):
                await system.spawn(Echo, name="model", placement="dedicated")

        assert set(system.pids) == {"host-0"}


def test_a_negative_number_of_hosts_is_refused():
    with pytest.raises(ValueError, match="hosts must be 0 or more, got -1"):
        ActorSystem(-1)


async def test_a_system_that_is_not_started_spawns_nothing():
    with pytest.raises(ActorError, match="use 'async with ActorSystem"):
        await ActorSystem().spawn(Echo)


async def test_a_system_is_entered_once():
    system = ActorSystem()
    async with system:
        with pytest.raises(ActorError, match="is entered once"):
            await system.__aenter__()


async def test_epochs_are_those_that_are_given_out():
    epochs = {}

    def next_epoch(host):
        epochs[host] = 10 * (len(epochs) + 1)
        return epochs[host]

    async with ActorSystem(2, cluster=MemoryCluster(), next_epoch=next_epoch) as system:
        told = {entry.name: entry.epoch for entry in await system.statistics()}

    assert told == epochs
    assert list(epochs) == ["driver", "host-0", "host-1"]


@pytest.mark.parametrize("hosts", [0, 2])
async def test_sim_16_nothing_outlives_the_close(hosts):
    n_tasks = len(asyncio.all_tasks())

    async with ActorSystem(hosts, cluster=MemoryCluster()) as system:
        ref = await system.spawn(Asker)
        stuck = await system.spawn(Silent)
        asking = asyncio.create_task(ref.ask(Ask((stuck,))))
        await asyncio.sleep(0)
    with pytest.raises(ActorError):
        await asking

    assert len(asyncio.all_tasks()) == n_tasks
    with pytest.raises(ActorError, match="no host of actor system"):
        await ref.ask(Ask(()))


class Silent(Asker):
    """Never answers."""

    async def receive(self, _message: object) -> str:
        await asyncio.Event().wait()
        return ""


async def test_an_error_in_the_body_closes_the_system_and_is_raised_as_it_is():
    with pytest.raises(ConfigError, match="mine"):
        async with ActorSystem(2, cluster=MemoryCluster()):
            raise ConfigError("mine")
