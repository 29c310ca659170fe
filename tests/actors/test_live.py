"""Runs that have hosts on a cluster are told to whoever asks, as long as the hosts are there."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from simlab.actors import ActorSystem
from simlab.actors.live import LiveRun, host_name, runs_of


def test_hosts_of_a_run_are_counted_by_their_names():
    one, two = LiveRun("/runs/a", "here", 7), LiveRun("/runs/a", "there", 7)
    names = [host_name(one, "s", "host-0", 1), host_name(one, "s", "host-1", 2)]

    found = runs_of([*names, host_name(two, "t", "host-0", 1)])

    assert found == [LiveRun("/runs/a", "here", 7, 2), LiveRun("/runs/a", "there", 7, 1)]


@pytest.mark.parametrize("name", ["", "trainer", "[1]", '["a", "b", "c", "d", "e", "f"]', "{}"])
def test_names_of_others_are_passed_over(name):
    assert runs_of([name]) == []


async def told_by_another_process(address):
    """The first line of what is told of a cluster to a process that has no Ray of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simlab.actors.live",
        address,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    line = await process.stdout.readline()
    process.stdin.close()
    assert await process.wait() == 0
    return json.loads(line)


@pytest.mark.ray
async def test_a_run_is_told_while_its_hosts_live_and_no_longer(ray_session, tmp_path):
    from simlab.actors.ray import live_runs

    address = ray_session.get_runtime_context().gcs_address
    own = LiveRun(str(tmp_path), socket.gethostname(), os.getpid(), 2)
    async with ActorSystem(hosts=2, run=str(tmp_path)) as system:
        assert own in await live_runs(address)
        told = await told_by_another_process(address)
        assert str(tmp_path) in [run["path"] for run in told["runs"]]
        assert system.hosts == ("host-0", "host-1")

    async with asyncio.timeout(20):
        while own.path in {run.path for run in await live_runs(address)}:
            pass


@pytest.mark.ray
async def test_a_cluster_that_does_not_answer_is_told_in_words():
    told = await told_by_another_process("127.0.0.1:1")

    assert "127.0.0.1:1" in told["error"]
