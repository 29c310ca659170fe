"""Host processes that are killed and stopped for real."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from simlab.actors import Actor, ActorSystem
from simlab.errors import ConfigError, HostDiedError
from tests.actors.players import Ask, Asker, Recall, Recorder, Say, Whereabouts


async def wait_until_exited(pid: int) -> None:
    """Wait for the end of a process that need not be a child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, exited = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(handle, exited.set)
    try:
        await exited.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


class Watched:
    """A system in Ray, with what happened to its hosts."""

    def __init__(self, hosts: int, heartbeat_s: float = 5.0, turn_s: float | None = None) -> None:
        self.lost: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.replaced: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.system = ActorSystem(
            hosts,
            heartbeat_s=heartbeat_s,
            turn_s=turn_s,
            on_host_lost=self._on_lost,
            on_host_replaced=self._on_replaced,
        )

    async def _on_lost(self, host: str, epoch: int) -> None:
        self.lost.put_nowait((host, epoch))

    async def _on_replaced(self, host: str, epoch: int) -> None:
        self.replaced.put_nowait((host, epoch))


@pytest.fixture
async def watched(ray_session: ModuleType) -> AsyncIterator[Watched]:
    assert ray_session.is_initialized()
    watched = Watched(hosts=2, heartbeat_s=1.0)
    async with watched.system:
        yield watched


@pytest.mark.ray
async def test_a_host_that_is_killed_is_replaced_with_its_actors(watched):
    system = watched.system
    near = await system.spawn(Asker, host="host-0")
    far = await system.spawn(Asker, host="host-1")
    diary = await system.spawn(Recorder, host="host-1")
    await diary.tell(Say("forgotten"))
    stuck = await system.spawn(Stuck, host="host-1")
    ask = asyncio.create_task(stuck.ask(None))
    assert await diary.ask(Recall()) == ["forgotten"]
    pid = system.pids["host-1"]

    os.kill(pid, signal.SIGKILL)

    assert await watched.lost.get() == ("host-1", 3)
    assert await watched.replaced.get() == ("host-1", 4)
    with pytest.raises(HostDiedError, match="epoch 3 of host 'host-1' has died"):
        await ask
    assert system.pids["host-1"] != pid
    assert await diary.ask(Recall()) == []
    assert await near.ask(Ask((far,))) == far.name
    assert await far.ask(Ask((near,))) == near.name


class Stuck(Asker):
    """Never answers."""

    async def receive(self, _message: object) -> str:
        await asyncio.Event().wait()
        return ""


class Leaver(Actor):
    """Ends the event loop of its host: asyncio lets nobody catch that of a task in between."""

    async def receive(self, _message: object) -> None:
        await asyncio.ensure_future(self._leave())

    async def _leave(self) -> None:
        raise SystemExit(0)


@pytest.mark.ray
async def test_a_host_whose_event_loop_has_ended_is_replaced(watched):
    leaver = await watched.system.spawn(Leaver, host="host-1")
    stays = await watched.system.spawn(Whereabouts, host="host-1")

    with pytest.raises(HostDiedError, match="epoch 3 of host 'host-1' has died"):
        await leaver.ask("leave")

    assert await watched.replaced.get() == ("host-1", 4)
    assert (await stays.ask(None))[0] == "host-1"


@pytest.mark.ray
async def test_sim_9_a_host_that_is_stopped_and_continued_ends_itself_naming_both_epochs(
    watched, ray_session
):
    system = watched.system
    ref = await system.spawn(Whereabouts, host="host-1")
    pid = system.pids["host-1"]

    os.kill(pid, signal.SIGSTOP)
    assert await watched.replaced.get() == ("host-1", 4)
    host, new_pid = await ref.ask(None)
    assert (host, new_pid != pid) == ("host-1", True)

    os.kill(pid, signal.SIGCONT)
    await wait_until_exited(pid)

    log = log_of(ray_session, pid)
    assert "host 'host-1' of epoch 3 stops: epoch 3 of 'host-1' was replaced by 4" in log
    assert (await ref.ask(None))[1] == new_pid


class Blocker(Whereabouts):
    """Blocks the event loop of its host for good, if it is told anything."""

    def receive(self, message: object) -> object:
        if message is not None:
            time.sleep(1_000)
        return super().receive(message)


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
async def test_a_host_whose_event_loop_is_blocked_is_replaced_and_its_process_ended():
    watched = Watched(hosts=1, turn_s=1.0)
    async with asyncio.timeout(60), watched.system as system:
        ref = await system.spawn(Blocker, host="host-0")
        pid = system.pids["host-0"]

        with pytest.raises(HostDiedError, match=r"epoch 2 of host 'host-0' has died"):
            await ref.ask("block")

        assert await watched.replaced.get() == ("host-0", 3)
        await wait_until_exited(pid)
        assert (await ref.ask(None))[1] != pid


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
async def test_a_close_ends_a_host_whose_event_loop_is_blocked():
    watched = Watched(hosts=1, turn_s=1_000)
    async with asyncio.timeout(60):
        async with watched.system as system:
            pid = system.pids["host-0"]
            ref = await system.spawn(Blocker, host="host-0")
            await ref.tell("block")
        await wait_until_exited(pid)


def log_of(ray: ModuleType, pid: int) -> str:
    """What a Ray worker has written to its standard error."""
    logs = Path(ray._private.worker.global_worker.node.get_logs_dir_path())
    (log,) = logs.glob(f"worker-*-{pid}.err")
    return log.read_text()


@pytest.mark.ray
async def test_sim_16_host_processes_end_with_their_system_and_ray_goes_on(ray_session):
    watched = Watched(hosts=1, heartbeat_s=1.0)
    async with watched.system as system:
        heavy = await system.spawn(Whereabouts, placement="dedicated")
        pids = {(await heavy.ask(None))[1], *system.pids.values()}
        stopped = system.pids["host-0"]
        os.kill(stopped, signal.SIGSTOP)
        await watched.replaced.get()
        pids |= set(system.pids.values())

    assert len(pids) == 3
    for pid in pids:
        await wait_until_exited(pid)
    assert ray_session.is_initialized()


@pytest.mark.ray
async def test_resources_that_the_cluster_never_has_are_refused_with_the_sum(watched):
    with pytest.raises(ConfigError, match="claims 10000 CPU, and the cluster has"):
        await watched.system.spawn(Asker, placement="dedicated", num_cpus=10_000)


SCRIPT = """
import asyncio, dataclasses, sys
from simlab.actors import Actor, ActorSystem
from neighbour import Greeting

@dataclasses.dataclass
class Message:
    text: str

class Parrot(Actor):
    def receive(self, message):
        return Message(message.text + "!")

class Waiter(Actor):
    async def receive(self, message):
        return await message.ask(Message("polly"))

async def main(address):
    async with ActorSystem(2, address) as system:
        parrot = await system.spawn(Parrot, host="host-0")
        waiter = await system.spawn(Waiter, host="host-1")
        assert await parrot.ask(Message("hello")) == Message("hello!")
        assert await waiter.ask(parrot) == Message("polly!")
        greeter = await system.spawn(Parrot, host="host-0")
        assert (await greeter.ask(Greeting("hi"))).text == "hi!"
    print("all well")

asyncio.run(main(sys.argv[1]))
"""


async def printed(*arguments: str, **options: Any) -> tuple[str, str]:
    """What Python prints in a process of its own: output and errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
    out, err = await process.communicate()
    return out.decode(), err.decode()


@pytest.mark.ray
async def test_what_a_script_defines_works_in_all_hosts_of_a_cluster_that_it_joins(
    ray_session, tmp_path
):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "neighbour.py").write_text(
        "import dataclasses\n@dataclasses.dataclass\nclass Greeting:\n    text: str\n"
    )
    address = ray_session.get_runtime_context().gcs_address

    out, err = await printed("script.py", address, cwd=tmp_path)

    assert out == "all well\n", err


@pytest.mark.ray
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("foo", "ConfigError: the address of a Ray cluster must be HOST:PORT or 'auto', got 'foo'"),
        ("127.0.0.1:1", "ConfigError: no Ray cluster answers at '127.0.0.1:1': tried 127.0.0.1 a"),
    ],
)
async def test_an_address_where_no_cluster_is_is_refused_at_once(tmp_path, address, message):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "neighbour.py").write_text("Greeting = None\n")

    async with asyncio.timeout(30):  # Ray alone waits for minutes
        _, err = await printed("script.py", address, cwd=tmp_path)

    assert message in err


@pytest.mark.ray
def test_what_plain_pickle_takes_is_pickled_plainly_and_all_else_by_value():
    from simlab.actors.ray import dumps

    def local() -> str:
        return "by value"

    assert dumps(Say(1)) == pickle.dumps(Say(1), protocol=5)
    assert pickle.loads(dumps(local))() == "by value"


OWN_RAY = """
import asyncio, os, ray
from pathlib import Path
from simlab.actors import ActorSystem

def children():
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            yield status.parent.name

async def main():
    async with ActorSystem(1) as system:
        assert list(children())
    assert not ray.is_initialized()
    assert not list(children())
    print("all gone")

asyncio.run(main())
"""


@pytest.mark.ray
async def test_sim_16_ray_ends_with_the_system_that_has_started_it():
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}

    assert await printed("-c", OWN_RAY, env=environment) == ("all gone\n", "")
