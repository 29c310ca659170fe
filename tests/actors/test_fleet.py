"""Hosts that freeze and die, in memory; `test_ray.py` does the same to processes."""

import asyncio
import logging
import time

import pytest

from simlab.actors import Actor, ActorSystem
from simlab.actors.fleet import ATTEMPTS
from simlab.actors.memory_cluster import MemoryCluster
from simlab.errors import ActorStoppedError, HostDiedError, LogWriteError
from tests.actors.players import (
    Ask,
    Asker,
    Echo,
    Failing,
    Gate,
    Recall,
    Recorder,
    Say,
    Stillborn,
    Whereabouts,
    turns,
)


class Fleet:
    """A system in memory, with what happened to its hosts."""

    def __init__(self, hosts: int = 2, **kwargs: object) -> None:
        self.cluster = MemoryCluster()
        self.lost: list[tuple[str, int]] = []
        self.replaced: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.failures: asyncio.Queue[tuple[object, Exception]] = asyncio.Queue()
        given = {"on_host_lost": self._on_lost} | kwargs
        self.system = ActorSystem(
            hosts,
            cluster=self.cluster,
            on_host_replaced=self._on_replaced,
            on_failure=lambda ref, error: self.failures.put_nowait((ref, error)),
            **given,
        )

    def process(self, host: str) -> object:
        return self.cluster.processes[host][-1]

    async def _on_lost(self, host: str, epoch: int) -> None:
        self.lost.append((host, epoch))

    async def _on_replaced(self, host: str, epoch: int) -> None:
        self.replaced.put_nowait((host, epoch))


@pytest.fixture
async def fleet():
    fleet = Fleet()
    async with fleet.system:
        yield fleet


async def test_a_host_that_dies_is_replaced_under_a_higher_epoch(fleet):
    assert fleet.system.pids == {"host-0": 2, "host-1": 3}

    fleet.process("host-1").die()

    assert await fleet.replaced.get() == ("host-1", 4)
    assert fleet.lost == [("host-1", 3)]
    assert fleet.system.pids == {"host-0": 2, "host-1": 4}


async def test_actors_that_the_system_has_spawned_live_again_under_the_same_address(fleet):
    ref = await fleet.system.spawn(Recorder, host="host-1", name="diary")
    await ref.tell(Say("forgotten"))
    assert await ref.ask(Recall()) == ["forgotten"]

    fleet.process("host-1").die()
    await fleet.replaced.get()

    assert await ref.ask(Recall()) == []


async def test_actors_that_were_stopped_stay_so_in_a_successor(fleet):
    ref = await fleet.system.spawn(Recorder, host="host-1")
    await fleet.system.stop(ref)

    fleet.process("host-1").die()
    await fleet.replaced.get()

    statistics = {entry.name: entry for entry in await fleet.system.statistics()}
    assert statistics["host-1"].n_actors == 0


async def test_asks_to_a_host_that_dies_fail_once_its_loss_was_taken_in():
    sealing = asyncio.Event()
    sealed = asyncio.Event()

    async def seal(_host: str, _epoch: int) -> None:
        sealing.set()
        await sealed.wait()

    fleet = Fleet(on_host_lost=seal)
    async with fleet.system as system:
        ref = await system.spawn(Gate, host="host-1")
        ask = asyncio.create_task(ref.ask("hello"))
        await turns(5)

        fleet.process("host-1").die()
        await sealing.wait()
        await turns(5)

        assert not ask.done()
        sealed.set()
        with pytest.raises(HostDiedError, match="epoch 3 of host 'host-1' has died"):
            await ask


async def test_what_is_sent_to_a_dead_host_waits_for_its_successor(fleet):
    ref = await fleet.system.spawn(Asker, host="host-1")
    peer = await fleet.system.spawn(Asker, host="host-0")

    fleet.process("host-1").die()
    while not fleet.lost:
        await turns(1)

    assert await ref.ask(Ask((peer,))) == peer.name
    assert await peer.ask(Ask((ref,))) == ref.name


async def test_a_host_that_hangs_is_replaced_and_ends_itself_when_it_goes_on(caplog):
    fleet = Fleet(heartbeat_s=0.05)
    async with fleet.system as system:
        ref = await system.spawn(Whereabouts, host="host-1")
        frozen = fleet.process("host-1")

        frozen.freeze()
        assert await fleet.replaced.get() == ("host-1", 4)
        assert not frozen.dead
        assert (await ref.ask(None))[0] == "host-1"
        frozen.thaw()
        await turns(20)

        assert frozen.dead
        assert "gave no sign of life for 0.05 s; it is replaced" in caplog.text
        assert (
            "host 'host-1' of epoch 3 stops: epoch 3 of 'host-1' was replaced by 4" in caplog.text
        )


async def test_a_host_whose_event_loop_is_blocked_is_ended_and_replaced(caplog):
    fleet = Fleet(turn_s=0.05)
    async with fleet.system as system:
        ref = await system.spawn(Whereabouts, host="host-1")
        blocked = fleet.process("host-1")

        blocked.block()
        with pytest.raises(HostDiedError, match=r"host-1"):
            await ref.ask(None)

        assert await fleet.replaced.get() == ("host-1", 4)
        assert blocked.dead
        assert (await ref.ask(None))[0] == "host-1"
        assert "of epoch 3 took no turn of its event loop for 0.05 s; it is repla" in caplog.text


async def test_a_close_does_not_wait_for_a_host_whose_event_loop_is_blocked(monkeypatch):
    monkeypatch.setattr("simlab.actors.fleet.CLOSING_TURN_S", 0.05)
    fleet = Fleet(turn_s=1_000)
    async with fleet.system as system:
        ref = await system.spawn(Whereabouts, host="host-1")
        fleet.process("host-1").block()
        await ref.tell(None)  # which the close would see sent

    assert fleet.lost == []
    assert fleet.process("host-1").dead


async def test_a_host_that_its_peers_cannot_reach_is_replaced(fleet, monkeypatch):
    ref = await fleet.system.spawn(Asker, host="host-1")
    peer = await fleet.system.spawn(Asker, host="host-0")

    async def lose(_batch: bytes) -> None:
        raise HostDiedError("the network is down")

    monkeypatch.setitem(fleet.process("host-0").worker._ways, "host-1", lose)
    with pytest.raises(HostDiedError):
        await peer.ask(Ask((ref,)))

    assert await fleet.replaced.get() == ("host-1", 4)
    assert await peer.ask(Ask((ref,))) == ref.name


async def test_hosts_that_die_together_know_each_others_successors(fleet):
    refs = [await fleet.system.spawn(Asker, host=f"host-{number}") for number in range(2)]

    for number in range(2):
        fleet.process(f"host-{number}").die()
    for _ in range(2):
        await fleet.replaced.get()

    assert await refs[0].ask(Ask((refs[1],))) == refs[1].name
    assert await refs[1].ask(Ask((refs[0],))) == refs[0].name


async def test_a_host_may_die_ten_times(fleet):
    ref = await fleet.system.spawn(Echo, host="host-0")

    for epoch in range(4, 14):
        fleet.process("host-0").die()
        assert await fleet.replaced.get() == ("host-0", epoch)

    assert await ref.ask("still here") == "still here"


async def test_a_dedicated_actor_is_replaced_as_well(fleet):
    ref = await fleet.system.spawn(Whereabouts, name="model", placement="dedicated")

    fleet.process("dedicated-model").die()

    assert await fleet.replaced.get() == ("dedicated-model", 5)
    assert (await ref.ask(None))[0] == "dedicated-model"


class KillsItsHost(Actor):
    """Ends the process in which it starts, if it is told so."""

    deadly = False

    def __init__(self, cluster: list[MemoryCluster]) -> None:
        self._cluster = cluster[0]

    async def started(self) -> None:
        if KillsItsHost.deadly:
            self._cluster.processes["host-0"][-1].die()
            await asyncio.Event().wait()

    def receive(self, message: object) -> object:
        return message


async def test_a_host_that_dies_again_and_again_while_it_starts_ends_the_system(monkeypatch):
    fleet = Fleet()

    async def run() -> None:
        async with fleet.system as system:
            await system.spawn(KillsItsHost, [fleet.cluster], name="killer", host="host-0")
            monkeypatch.setattr(KillsItsHost, "deadly", True)
            fleet.process("host-0").die()
            await asyncio.Event().wait()

    with pytest.raises(HostDiedError, match=rf"'host-0' died {ATTEMPTS} times .*'killer'"):
        await run()

    assert [host for host, _ in fleet.lost] == ["host-0"] * ATTEMPTS
    assert asyncio.current_task().cancelling() == 0


async def test_an_error_on_taking_in_a_loss_ends_the_system():
    async def fail(_host: str, _epoch: int) -> None:
        raise LogWriteError("the disk is full")

    fleet = Fleet(on_host_lost=fail)

    async def run() -> None:
        async with fleet.system:
            fleet.process("host-0").die()
            await asyncio.Event().wait()

    with pytest.raises(LogWriteError, match="the disk is full"):
        await run()


async def test_a_host_that_hangs_while_the_system_closes_is_ended(caplog):
    fleet = Fleet(heartbeat_s=0.02)

    async with fleet.system as system:
        await system.spawn(Echo, host="host-0")
        process = fleet.process("host-0")
        process.freeze()

    assert process.dead
    assert fleet.lost == []
    assert "gave no sign of life for 0.02 s; it did not close" in caplog.text


async def test_a_message_that_a_hanging_host_does_not_take_does_not_keep_the_system_open():
    fleet = Fleet(heartbeat_s=0.02)

    async with fleet.system as system:
        ref = await system.spawn(Recorder, host="host-0")
        process = fleet.process("host-0")
        process.freeze()
        await ref.tell(Say("hello"))

    assert process.dead


async def test_a_driver_that_is_busy_does_not_take_its_own_delay_for_that_of_a_host():
    fleet = Fleet(heartbeat_s=0.02)

    async with fleet.system:
        process = fleet.process("host-0")
        ping, pinged = process.ping, asyncio.Event()

        async def seen_ping() -> None:
            pinged.set()
            await ping()

        process.ping = seen_ping
        process.freeze()
        await pinged.wait()
        end = time.perf_counter() + 0.06
        while time.perf_counter() < end:
            pass
        process.thaw()
        await turns(20)

        assert fleet.lost == []


async def test_a_dedicated_actor_that_fails_to_start_leaves_no_host(fleet):
    with pytest.raises(RuntimeError, match="cannot start"):
        await fleet.system.spawn(Stillborn, later=True, name="s", placement="dedicated")

    assert set(fleet.system.pids) == {"host-0", "host-1"}
    await fleet.system.spawn(Echo, name="s", placement="dedicated")


async def test_two_dedicated_actors_of_one_name_are_refused(fleet):
    await fleet.system.spawn(Echo, name="model", placement="dedicated")

    with pytest.raises(ValueError, match="there is a host 'dedicated-model' already"):
        await fleet.system.spawn(Echo, name="model", placement="dedicated")


async def test_stopping_a_dedicated_actor_twice_is_an_error(fleet):
    ref = await fleet.system.spawn(Echo, placement="dedicated")
    await fleet.system.stop(ref)

    with pytest.raises(ActorStoppedError, match="Echo/0"):
        await fleet.system.stop(ref)


async def test_an_error_in_a_host_for_which_nobody_waits_is_reported_with_its_traceback(fleet):
    ref = await fleet.system.spawn(Failing, host="host-1")

    await ref.tell(ValueError("for nobody"))
    failed, error = await fleet.failures.get()

    assert (failed, str(error)) == (ref, "for nobody")
    assert "players.py" in error.__notes__[0]


async def test_statistics_leave_out_a_host_that_hangs_until_it_is_lost():
    fleet = Fleet(heartbeat_s=0.05)
    async with fleet.system as system:
        fleet.process("host-0").freeze()

        names = [entry.name for entry in await system.statistics()]

        assert "host-0" not in names


async def test_a_loss_is_logged_with_its_reason(fleet, caplog):
    with caplog.at_level(logging.WARNING):
        fleet.process("host-1").die()
        await fleet.replaced.get()

    assert "host 'host-1' of epoch 3 has died; it is replaced" in caplog.text
