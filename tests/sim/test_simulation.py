"""Many episodes at once: one digest whatever the order, and nothing left behind."""

import asyncio
import gc
import os
import random
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from simlab.actors.memory_cluster import MemoryCluster
from simlab.errors import LogWriteError
from simlab.seeding import derive
from simlab.sim.config import checked
from simlab.sim.provenance import provenance
from simlab.sim.run import Run
from simlab.sim.simulation import Observer, Simulation
from simlab.trace.directory import RunDirectory
from simlab.trace.writer import SegmentWriter
from tests.sim.conftest import RELAY
from tests.sim.worlds import Sleeper

WORLDS = "tests.sim.worlds"
JUDGES = "tests.sim.judges"
SEED = 7


def victim(episode, seat="ann", seed=SEED):
    """The seed that an agent is given in an episode."""
    return derive(derive(seed, "episode", episode), "agent", seat)


class Digests:
    """Observes the digest of each episode, and in which order they ended."""

    def __init__(self):
        self.by_episode = {}

    @property
    def observer(self):
        return Observer(on_episode=lambda r: self.by_episode.__setitem__(r.episode, r.digest))


@pytest.mark.slow
def test_sim_6_one_digest_for_1_or_64_episodes_at_once(relay):
    latency = {"engine": "scripted", "latency_jitter_s": 0.0001}
    keys = {"episodes": 64, "options": {"turns": 1}, "models": {"small": latency}}
    digests = {relay(f"run{n}", concurrency=n, **keys).digest for n in (1, 64)}

    assert len(digests) == 1


@pytest.mark.slow
def test_sim_6_one_digest_for_any_hash_seed(run_file, tmp_path):
    code = (
        "import sys; from simlab.sim.launch import run; "
        "print(run(sys.argv[1], episodes=2, hosts=0, out=sys.argv[2]).digest)"
    )
    path = run_file({**RELAY, "world": "simlab.env.auction:Auction"})

    digests = {
        subprocess.run(
            [sys.executable, "-c", code, path, str(tmp_path / seed)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(digests) == 1
    assert re.fullmatch(r"[0-9a-f]{32}\n", digests.pop())


def test_two_runs_with_one_seed_agree_and_other_seeds_differ(relay):
    one, again, other = relay("a", seed=7), relay("b", seed=7), relay("c", seed=8)

    assert one.digest == again.digest != other.digest
    assert one.episode(0).transcript() != other.episode(0).transcript()


def test_episodes_of_one_run_differ_and_do_not_depend_on_how_many_there_are(relay):
    few, many = Digests(), Digests()
    relay("few", episodes=2, observer=few.observer)
    relay("many", episodes=4, observer=many.observer)

    assert len(set(many.by_episode.values())) == 4
    assert few.by_episode.items() <= many.by_episode.items()


def test_a_run_leaves_global_generators_where_they_are(relay):
    cast = {"ann": {"agent": "random"}, "bob": {"agent": "llm"}}
    before = random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002

    relay(cast=cast, judges={"length": {"agent": f"{JUDGES}:LengthJudge"}})

    assert (random.getstate(), np.random.get_state()[1].tobytes()) == before  # noqa: NPY002


@pytest.mark.slow
def test_a_run_leaves_torchs_generator_where_it_is(relay):
    import torch  # takes seconds

    before = torch.get_rng_state()

    relay()

    assert torch.equal(torch.get_rng_state(), before)


def test_a_run_does_not_depend_on_global_generators(relay):
    one = relay("a", cast={"*": {"agent": "random"}})
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    other = relay("b", cast={"*": {"agent": "random"}})

    assert one.digest == other.digest


def test_sim_17_a_poisoned_agent_fails_its_own_episode_and_changes_no_other(relay):
    healthy, poisoned = Digests(), Digests()
    cast = {"*": {"agent": f"{WORLDS}:Poisoned", "victim": -1}}
    relay("healthy", seed=SEED, episodes=4, cast=cast, observer=healthy.observer)
    cast["*"]["victim"] = victim(2)
    run = relay("poisoned", seed=SEED, episodes=4, cast=cast, observer=poisoned.observer)

    assert [e.state for e in run.summary.episodes] == ["ended", "ended", "failed", "ended"]
    different = {e for e in range(4) if healthy.by_episode[e] != poisoned.by_episode[e]}
    assert different == {2}


def test_failed_is_final(relay):
    cast = {"*": {"agent": f"{WORLDS}:Poisoned", "victim": victim(1)}}
    run = relay(seed=SEED, cast=cast, episodes=2)

    seen = Digests()
    again = relay(seed=SEED, cast=cast, episodes=2, resume=True, observer=seen.observer)

    assert seen.by_episode == {}
    assert (again.digest, again.summary.n_failed) == (run.digest, 1)


def test_failed_episodes_are_tried_again_from_their_last_step_if_asked_for(relay, tmp_path):
    flag = tmp_path / "broken"
    flag.touch()
    cast = {"*": {"agent": f"{WORLDS}:Flaky", "broken": str(flag)}}
    n_failed = relay(cast=cast, episodes=2).summary.n_failed
    flag.unlink()

    seen = Digests()
    again = relay(cast=cast, episodes=2, resume=True, retry_failed=True, observer=seen.observer)
    whole = relay("whole", cast=cast, episodes=2)

    assert n_failed == 2
    assert seen.by_episode.keys() == {0, 1}
    assert (again.summary.n_ended, again.summary.n_failed) == (2, 0)
    assert again.digest == whole.digest, "the step that failed is forgotten"


def test_a_failing_model_is_asked_again_when_its_episode_is_tried_again(relay, tmp_path):
    flag = tmp_path / "broken"
    flag.touch()
    models = {"small": {"engine": "tests.sim.models:Flaky", "broken": str(flag)}}
    boundary = relay(models=models).episode(0).summary.boundary
    flag.unlink()

    again = relay(models=models, resume=True, retry_failed=True)

    assert boundary == "model"
    assert again.summary.n_ended == 1


def test_the_first_episode_is_told_step_by_step_and_each_when_it_ends(relay):
    steps, ends = [], []
    observer = Observer(steps.append, lambda result: ends.append(result.episode))

    run = relay(episodes=3, observer=observer)

    assert [(news.episode, news.step) for news in steps] == [(0, n) for n in range(4)]
    told = [f"{seat}: {text}" for news in steps for seat, text, _ in news.lines]
    assert told == run.episode(0).transcript().splitlines()
    assert sorted(ends) == [0, 1, 2]


def test_actions_that_were_not_the_agents_own_are_told_with_their_mark(relay):
    steps = []
    cast = {"ann": {"agent": f"{WORLDS}:Stubborn"}, "bob": {"agent": "llm"}}

    relay(options={"turns": 2}, cast=cast, observer=Observer(on_step=steps.append))

    assert [news.lines[0][2] for news in steps] == ["invalid", ""]


def simulation_of(tmp_path, observer=None, *, hosts=0, **keys):
    file = checked({**RELAY, **keys})
    directory = RunDirectory.create(tmp_path / "run", provenance(file))
    return Simulation(file, directory, hosts=hosts, observer=observer)


async def test_an_observers_error_ends_the_run_as_it_is(tmp_path):
    def broken(_result):
        raise ZeroDivisionError("in the viewer")

    with pytest.raises(ZeroDivisionError, match="in the viewer"):
        await simulation_of(tmp_path, Observer(on_episode=broken), episodes=3).run()


async def test_a_full_disk_ends_the_run_and_leaves_what_was_committed(tmp_path, monkeypatch):
    n_steps = 0
    write = os.write

    def full(descriptor, data):
        if n_steps >= 2 and ".log" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    def count(_news):
        nonlocal n_steps
        n_steps += 1

    simulation = simulation_of(tmp_path, Observer(on_step=count))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(LogWriteError, match="No space left"):
            await simulation.run()

    assert Run(tmp_path / "run").log.n_steps(0) >= 2


@pytest.mark.parametrize(("hosts", "n_started"), [(1000, 3), (2, 2)])
async def test_no_more_hosts_are_started_than_there_are_episodes(
    tmp_path, monkeypatch, hosts, n_started
):
    cluster = MemoryCluster()
    monkeypatch.setattr("simlab.actors.system.ray_cluster", lambda *_: cluster)

    await simulation_of(tmp_path, Observer(), episodes=3, hosts=hosts).run()

    assert len(cluster.processes) == n_started
    assert Run(tmp_path / "run").summary.n_ended == 3


async def cancelled_run(tmp_path, n_episodes=3):
    """A run that was cancelled in its second step."""
    cast = {"ann": {"agent": f"{WORLDS}:Chatter"}, "bob": {"agent": f"{WORLDS}:Sleeper"}}
    asked = asyncio.Event()
    observer = Observer(on_step=lambda _news: asked.set())

    simulation = simulation_of(tmp_path, observer, cast=cast, episodes=n_episodes)
    running = asyncio.create_task(simulation.run())
    await asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    return Run(tmp_path / "run")


async def test_a_cancelled_run_leaves_no_task_behind_and_can_be_gone_on_with(tmp_path):
    before = Sleeper.cancelled

    run = await cancelled_run(tmp_path)

    assert Sleeper.cancelled > before
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert [e.state for e in run.summary.episodes] == ["unfinished"] * 3
    assert all(segment.seal.exists() for segment in run.directory.segments())


@pytest.mark.slow
async def test_sim_16_nothing_outlives_1000_episodes_some_failing_or_cancelled(tmp_path):
    cast = {"*": {"agent": f"{WORLDS}:Poisoned", "victim": victim(1)}}
    keys = {"seed": SEED, "cast": cast, "options": {"turns": 3}}

    def alive():
        gc.collect()
        children = [file.read_text() for file in Path("/proc/self/task").glob("*/children")]
        descriptors = os.listdir("/proc/self/fd")
        n_children, n_descriptors = len("".join(children).split()), len(descriptors)
        return len(asyncio.all_tasks()), threading.active_count(), n_children, n_descriptors

    await simulation_of(tmp_path / "few", **keys, episodes=10).run()
    after_few = alive()
    await simulation_of(tmp_path / "many", **keys, episodes=1_000).run()
    await cancelled_run(tmp_path / "cancelled", n_episodes=10)

    assert Run(tmp_path / "many" / "run").summary.n_failed == 1
    assert alive() == after_few


async def test_nothing_is_written_after_the_run_has_ended(tmp_path, monkeypatch):
    await simulation_of(tmp_path, episodes=2).run()

    def refused(*_):
        raise AssertionError("a finished run was written to")

    monkeypatch.setattr(SegmentWriter, "append", refused)
    run = Run(tmp_path / "run")
    await Simulation(run.file, run.directory).run()

    assert len(run.directory.segments()) == 1


def test_sim_5_resuming_a_finished_run_makes_no_model_call(relay, tmp_path):
    log = tmp_path / "calls"
    models = {"small": {"engine": "scripted", "calls_log": str(log)}}
    run = relay(models=models, episodes=2)
    n_calls = len(log.read_text().splitlines())

    again = relay(models=models, episodes=2, resume=True)

    assert n_calls == run.summary.usage["calls"] > 0
    assert len(log.read_text().splitlines()) == n_calls
    assert again.digest == run.digest


@pytest.mark.parametrize("memory", ["list", "window"])
def test_sim_18_the_log_of_models_that_chat_grows_by_what_they_say(relay, tmp_path, memory):
    """InterLab logs the whole memory with each query: its traces grow with the square of it."""
    sizes = []

    def weigh(_news):
        sizes.append(sum(file.stat().st_size for file in tmp_path.glob("run/segments/*.log")))

    relay(
        options={"turns": 60},
        cast={"*": {"agent": "llm", "memory": memory}},
        observer=Observer(on_step=weigh),
    )

    early, late = sizes[25] - sizes[5], sizes[-1] - sizes[-21]
    assert len(sizes) == 60
    assert late <= 1.1 * early
