"""Runs that are commanded, on hosts, killed, resumed and branched."""

import asyncio
import contextlib
import itertools
import os
import signal
from pathlib import Path

import pytest

from simlab.actors import system as system_file
from simlab.actors.memory_cluster import MemoryCluster
from simlab.errors import ControlError
from simlab.sim.config import checked
from simlab.sim.control.async_client import AsyncControlClient
from simlab.sim.launch import prepare, prepare_branch
from simlab.sim.run import Run
from simlab.sim.simulation import Simulation
from simlab.trace.directory import RunDirectory
from simlab.trace.writer import SegmentWriter
from tests.sim.conftest import RELAY
from tests.sim.control.conftest import acting, standing
from tests.sim.control.score import KEYS, Commander
from tests.sim.records import check_log, deeds, records, replayed


@pytest.fixture
def cluster(monkeypatch):
    """Hosts in this process."""
    cluster = MemoryCluster()
    monkeypatch.setattr(system_file, "ray_cluster", lambda *_: cluster)
    return cluster


async def commanded(live, *, episodes=2, **options):
    """The run of the score, one episode after the other."""
    async with live(**KEYS, episodes=episodes, **options) as (run, client):
        for episode in range(episodes):
            await Commander(run.path, client, episode).play()
        return await run.finished()


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
async def test_sim_23_a_commanded_run_has_one_digest_on_0_and_2_hosts_and_replays(live):
    here = await commanded(live, out="here")
    there = await commanded(live, out="there", hosts=2)

    said = deeds(here)
    assert said == ["Zero.", "One.", said[2], "It rains.", "Three.", said[5], "Five."]
    assert here.digest == there.digest
    check_log(there)
    assert replayed(there) == 2


async def test_sim_23_a_lease_holds_when_its_host_dies_and_the_person_is_asked_again(live, cluster):
    notices = []
    async with live(**KEYS, hosts=1, notices=notices) as (run, client):
        await acting(client, "ann")
        await client.edit("bob", {"persona": "bold"}, episode=0)
        await client.lease(0, "ann", "me")
        first = await client.question()
        cluster.processes["host-0"][-1].die()
        again = await client.question()
        with pytest.raises(ControlError, match="does not wait for an answer"):
            await client.answer(first["id"], "Zero.")
        await client.answer(again["id"], "Zero.")
        await acting(client, "bob")
        await client.pause()
        await client.say(0, "bob", "One.")
        status = await standing(client)
        run.playing.cancel()

    assert len(notices) == 1
    assert first["id"] != again["id"]
    assert first["prompt"] == again["prompt"]
    assert status["step"] == 2
    assert check_log(Run(run.path)) == 4, "lease, answer, edit, say"


async def test_whoever_has_a_seat_for_the_second_time_keeps_it_when_its_host_dies(live, cluster):
    async with live(**KEYS, hosts=1) as (_, client):
        await acting(client, "ann")
        await client.lease(0, "ann", "me")
        await client.question()
        await client.leave(0, "ann")
        await acting(client, "ann")
        await client.lease(0, "ann", "me")
        await client.question()
        cluster.processes["host-0"][-1].die()
        again = await client.question()
        await client.answer(again["id"], "Zero.")
        await acting(client, "bob")

    assert again["seat"] == "ann"
    assert client.lapsed == set()


async def test_a_seat_that_waits_for_somebody_is_free_after_its_host_has_died(live, cluster):
    async with live(**KEYS, hosts=1) as (run, client), await run.client() as other:
        await acting(client, "ann")
        await client.lease(0, "ann", "me", lapse="pause")
        await client.question()
        await client.leave(0, "ann")
        cluster.processes["host-0"][-1].die()
        await acting(other, "ann")
        await other.lease(0, "ann", "you")
        asked = await other.question()
        leases = (await other.hello())["leases"]

    assert asked["seat"] == "ann"
    assert [lease["who"] for lease in leases] == ["you"]


@pytest.mark.slow
@pytest.mark.parametrize("step", range(7))
async def test_a_branch_shares_the_orders_below_its_step_and_is_commanded_anew(live, branch, step):
    parent = await commanded(live, episodes=1)
    before = records(parent, step)
    settings = ["models.small.latency_s=0.001"]

    made = await asyncio.to_thread(branch, parent, step=step, settings=settings)

    assert records(made, step) == before
    assert deeds(made)[:step] == deeds(parent)[:step]
    assert len(deeds(made)) == 6 + (step > 2), "one is the narrator's"
    assert replayed(made) == 1
    assert replayed(parent) == 1


async def test_people_take_the_seats_of_humans_in_a_branch(live, tmp_path):
    human = {"agent": "human"}
    async with live(out="parent", cast={"*": human}, models={}, people=True) as (run, client):
        await play(client, "Zero.", "One.", "Two.", "Three.")
        parent = await run.finished()
    options = {"episode": 0, "step": 2, "out": tmp_path / "branch", "people": True}
    launch = await asyncio.to_thread(prepare_branch, parent.path, **options)

    async with live(out="branch", people=True) as (run, client):
        await play(client, "2.", "3.")
        made = await run.finished()

    assert launch.people
    assert not launch.has_people, "at the terminal"
    assert deeds(made) == ["Zero.", "One.", "2.", "3."]
    assert replayed(made) == 1


async def play(client, *answers):
    """Take both seats of a relay, and answer what comes."""
    for seat in ("ann", "bob"):
        await client.lease(0, seat, "me")
    for words in answers:
        await client.answer((await client.question())["id"], words)


def killed_at(n_records, path):
    """The run in a process of its own, which dies as it writes so many records; its id."""
    pid = os.fork()
    if pid:
        return pid
    left = itertools.count(n_records, -1)
    append = SegmentWriter.append

    def counted(writer, *record):
        append(writer, *record)
        if next(left) == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    SegmentWriter.append = counted
    try:
        asyncio.set_event_loop_policy(None)
        asyncio._set_running_loop(None)
        asyncio.run(Simulation(Run(path).file, RunDirectory.open(path)).run())
    finally:
        os._exit(0)


def has_ended(pid, *, wait=False):
    """Whether a child has ended, or that it has."""
    try:
        return os.waitpid(pid, 0 if wait else os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


async def connected(path, pid):
    """A client of a run in another process, or None if that has ended."""
    while not has_ended(pid):
        try:
            return await AsyncControlClient.connect(path)
        except ControlError:
            await asyncio.sleep(0.001)
    return None


@pytest.mark.slow
async def test_sim_3_23_a_commanded_run_killed_at_any_record_is_resumed_to_the_same_digest(
    live, tmp_path
):
    whole = await commanded(live, out="whole", episodes=1)

    for n in range(1, whole.log.n_events, 2):
        launch = prepare(checked({**RELAY, **KEYS, "episodes": 1}), out=tmp_path / f"{n}", hosts=0)
        path = launch.directory.path
        pid = killed_at(n, path)
        client = await connected(path, pid)
        if client is not None:
            with contextlib.suppress(ControlError):
                async with asyncio.timeout(20):
                    await Commander(path, client).play()
            await client.close()
            await asyncio.to_thread(has_ended, pid, wait=True)
        if not Run(path).summary.finished:
            async with asyncio.timeout(20), live(out=f"{n}") as (run, client):
                await Commander(path, client).play()
                await run.finished()

        assert Run(path).digest == whole.digest, n
        check_log(Run(path))
        assert replayed(Run(path)) == 1


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
async def test_sim_3_23_on_ray_hosts_a_commanded_run_has_the_digest_and_outlives_a_host(
    live, tmp_path
):
    whole = await commanded(live, out="whole")
    world = f"{Path(__file__).parents[1] / 'worlds.py'}:Located"
    options = {**KEYS["options"], "pid_file": str(tmp_path / "pid")}

    async with live(out="ray", hosts=2, **{**KEYS, "episodes": 2}) as (run, client):
        for episode in range(2):
            await Commander(run.path, client, episode).play()
        there = await run.finished()
    notices = []
    keys = {**KEYS, "world": world, "options": options}
    async with live(out="killed", hosts=1, notices=notices, **keys) as (run, client):
        await acting(client, "ann")
        host = int((tmp_path / "pid").read_text())
        await client.lease(0, "ann", "me")
        first = await client.question()
        os.kill(host, signal.SIGKILL)
        again = await client.question()
        await client.answer(again["id"], "Zero.")
        await acting(client, "bob")

    assert there.digest == whole.digest
    assert replayed(there) == 2
    assert len(notices) == 1
    assert first["prompt"] == again["prompt"]
