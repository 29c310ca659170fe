import asyncio
import itertools

import pytest

from simlab.sim.config import checked
from simlab.sim.provenance import provenance
from simlab.sim.simulation import Observer, Simulation
from simlab.sim.stall import StallWatch
from simlab.trace.directory import RunDirectory
from tests.sim.conftest import RELAY

WORLDS = "tests.sim.worlds"


@pytest.fixture
def directory(tmp_path):
    file = checked(
        {
            **RELAY,
            "cast": {
                "ann": {"agent": f"{WORLDS}:Chatter"},
                "bob": {"agent": f"{WORLDS}:Sleeper"},
            },
        }
    )
    return RunDirectory.create(tmp_path / "run", provenance(file))


async def test_sim_14_a_run_that_commits_nothing_tells_who_waits_for_whom(directory, monkeypatch):
    told = asyncio.Queue()
    observer = Observer(on_notice=told.put_nowait)
    monkeypatch.setattr(
        "simlab.sim.simulation.StallWatch",
        lambda directory, tell: StallWatch(directory, tell, patience_s=0.01),
    )
    simulation = Simulation(checked(directory.read_run()["run"]), directory, observer=observer)

    running = asyncio.create_task(simulation.run())
    while "episode/0/bob" not in (notice := await told.get()):
        assert notice.startswith("nothing was committed")
    running.cancel()
    await asyncio.wait([running])

    assert notice.startswith("nothing was committed for 0.01 s; the run goes on, and waits are:")


class FakeSystem:
    """Actors that wait for nobody."""

    async def statistics(self):
        return []


async def notices(directory, monkeypatch, *, grows):
    """What is told in five rounds, in each of which the run commits something or not."""
    segment, told, rounds = directory.new_segment("driver"), [], itertools.count(1)

    async def pass_time(_seconds):
        if grows:
            with segment.path.open("ab") as file:
                file.write(b"x")
        if next(rounds) == 5:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", pass_time)
    with pytest.raises(asyncio.CancelledError):
        await StallWatch(directory, told.append).report(FakeSystem())
    return told


async def test_a_run_that_commits_is_left_alone(directory, monkeypatch):
    assert await notices(directory, monkeypatch, grows=True) == []


async def test_a_run_that_waits_for_nobody_is_said_to_compute(directory, monkeypatch):
    told = await notices(directory, monkeypatch, grows=False)

    assert len(told) == 4
    assert told[0].startswith("nothing was committed for 30 s; the run goes on")
    assert told[0].endswith("none among actors: a model or world computes")
