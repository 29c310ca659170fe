"""A run that stands still says who waits for whom, and goes on."""

import asyncio
import itertools
import re

import pytest

from simlab.errors import HostDiedError
from simlab.sim.config import checked
from simlab.sim.provenance import provenance
from simlab.sim.simulation import Observer, Simulation
from simlab.sim.stall import StallWatch
from simlab.trace.directory import RunDirectory
from tests.sim.conftest import RELAY

WORLDS = "tests.sim.worlds"


@pytest.fixture
def directory(tmp_path):
    """A run that nobody has begun."""
    return RunDirectory.create(tmp_path / "run", provenance(checked(RELAY)))


async def notice_of(directory, monkeypatch, word, **keys):
    """The first notice of a run that holds a word; then the run is cancelled."""
    told = asyncio.Queue()
    monkeypatch.setattr(
        "simlab.sim.simulation.StallWatch",
        lambda *args, **options: StallWatch(*args, **options, patience_s=0.01),
    )
    observer = Observer(on_notice=told.put_nowait)
    simulation = Simulation(checked({**RELAY, **keys}), directory, observer=observer)

    running = asyncio.create_task(simulation.run())
    while word not in (notice := await told.get()):
        assert notice.startswith("nothing was committed")
    running.cancel()
    await asyncio.wait([running])
    return notice


async def test_sim_14_a_run_that_commits_nothing_tells_who_waits_for_whom(directory, monkeypatch):
    cast = {"ann": {"agent": f"{WORLDS}:Chatter"}, "bob": {"agent": f"{WORLDS}:Sleeper"}}

    notice = await notice_of(directory, monkeypatch, "episode/0/bob", cast=cast)

    assert notice.startswith("nothing was committed for 0.01 s; the run goes on, and waits are:")


async def test_sim_14_a_silent_model_is_told_with_who_asked_it_and_since_when(
    directory, monkeypatch
):
    models = {"small": {"engine": "scripted", "latency_s": 1_000}}

    notice = await notice_of(
        directory, monkeypatch, "kind 'model'", models=models, episodes=2, options={"turns": 1}
    )

    for episode in (0, 1):
        call = rf"driver: episode {episode}, ann in step 0: for a call of kind 'model', \d+\.\d s"
        assert re.search(call, notice)


class FakeSystem:
    """Actors that wait for nobody."""

    async def statistics(self):
        return []


class FakeStage:
    """A stage that answers with some lines, or does not."""

    def __init__(self, *lines, error=None):
        self.lines, self.error = lines, error

    async def ask(self, _message):
        if self.error is not None:
            raise self.error
        return self.lines


async def notices(directory, monkeypatch, *, grows, stages=None, paused=()):
    """What is told in five rounds, in each of which the run commits something or not.

    Args:
        paused: The rounds in which it is.
    """
    segment, told, rounds = directory.new_segment("driver"), [], itertools.count(1)
    looks = itertools.count(1)

    async def pass_time(_seconds):
        if grows:
            with segment.path.open("ab") as file:
                file.write(b"x")
        if next(rounds) == 5:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", pass_time)
    watch = StallWatch(directory, told.append, is_paused=lambda: next(looks) in paused)
    with pytest.raises(asyncio.CancelledError):
        await watch.report(FakeSystem(), stages or {})
    return told


async def test_a_run_that_commits_is_left_alone(directory, monkeypatch):
    assert await notices(directory, monkeypatch, grows=True) == []


async def test_a_run_that_waits_for_nobody_is_said_to_compute(directory, monkeypatch):
    told = await notices(directory, monkeypatch, grows=False)

    assert len(told) == 4
    assert told[0].startswith("nothing was committed for 30 s; the run goes on")
    assert told[0].endswith("none: a model or world computes")


async def test_a_pause_is_told_once_with_what_ends_it(directory, monkeypatch):
    told = await notices(directory, monkeypatch, grows=False, paused=(2, 3, 4))

    pause, stall = told
    assert pause.startswith("somebody has paused this run, or episodes of it")
    assert f"(simlab watch {directory.path})" in pause
    assert stall.startswith("nothing was committed for 30 s")


async def test_hosts_that_do_not_answer_are_told_and_many_waits_are_cut(directory, monkeypatch):
    stages = {"a": FakeStage(error=HostDiedError("gone")), "b": FakeStage(*map(str, range(12)))}

    told = await notices(directory, monkeypatch, grows=False, stages=stages)

    lines = told[0].splitlines()[1:]
    assert lines[:2] == ["  a: computes or is gone, and does not answer", "  b: 0"]
    assert lines[-1] == "  and 3 more"
    assert len(lines) == 11
