"""Episodes that kill their hosts: found out, tried alone, given up; the others are as ever."""

import os
import re

import pytest

from simlab.actors import system as system_file
from simlab.actors.envelope import handled
from simlab.actors.memory_cluster import MemoryCluster
from simlab.seeding import derive
from simlab.sim.attempt import Attempt
from simlab.sim.blocking import run_async
from simlab.sim.config import checked
from simlab.sim.launch import prepare_branch
from simlab.sim.provenance import provenance
from simlab.sim.replay import replay
from simlab.sim.run import Run
from simlab.sim.simulation import Observer, Simulation
from simlab.sim.staging import PlayEpisode
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Outcome
from tests.sim.conftest import RELAY
from tests.sim.test_kills import check_log
from tests.sim.worlds import Deadly

SEED = 7
DEADLY = "tests.sim.worlds:Deadly"


def died(attempt, epoch, *, committed=False):
    attempt.host_died("host-0", epoch, committed=committed)


def test_three_hosts_that_died_with_nothing_committed_make_a_suspect():
    attempt = Attempt(PlayEpisode(5))

    suspected = []
    for epoch in (2, 3, 4):
        died(attempt, epoch)
        suspected.append(attempt.is_suspect)

    assert suspected == [False, False, True]
    assert (attempt.host, attempt.epoch) == ("host-0", 4)
    assert attempt.message == PlayEpisode(5, resumed=True)


def test_an_episode_that_gets_on_is_no_suspect_however_many_hosts_die():
    attempt = Attempt(PlayEpisode(5))

    for epoch in range(2, 12):
        died(attempt, epoch, committed=epoch % 3 == 0)

    assert not attempt.is_suspect


@pytest.mark.parametrize(
    ("commits", "given_up"),
    [([False], False), ([False, False], True), ([False, True, False], False), ([True], False)],
)
def test_a_suspect_is_given_up_if_two_hosts_in_a_row_die_though_it_is_alone_there(
    commits, given_up
):
    attempt = Attempt(PlayEpisode(5, watched=True), n_deaths=3)

    attempt.set_apart()
    for epoch, committed in enumerate(commits, 9):
        died(attempt, epoch, committed=committed)

    expected = PlayEpisode(5, resumed=True, watched=not given_up, given_up=given_up)
    assert attempt.message == expected


def test_deaths_beside_others_do_not_count_once_an_episode_plays_alone():
    attempt = Attempt(PlayEpisode(5))
    for epoch in range(2, 9):
        died(attempt, epoch)

    attempt.set_apart()
    died(attempt, 9)

    assert not attempt.message.given_up


@pytest.mark.parametrize("committed", [True, False])
def test_a_failure_is_tried_again_until_something_new_is_committed(committed):
    attempt = Attempt(PlayEpisode(5, resumed=True, retried=True))

    died(attempt, 2, committed=committed)

    assert attempt.message.retried is not committed


@pytest.fixture
def cluster(monkeypatch):
    """Hosts in this process; who ends the process of its host ends that host alone."""
    cluster = MemoryCluster()

    def end_host():
        host = handled.get().cell.host
        for processes in cluster.processes.values():
            for process in processes:
                if process.worker.host is host:
                    process.die()

    monkeypatch.setattr(system_file, "ray_cluster", lambda *_: cluster)
    monkeypatch.setattr(Deadly, "end_host", staticmethod(end_host))
    return cluster


def launch(path, *, hosts=1, notices=None, resume=False, retry_failed=False, **keys):
    """A run of the relay, played to its end."""
    options = {"turns": 3}
    file = checked({**RELAY, "seed": SEED, "episodes": 3, "options": options, **keys})
    directory = RunDirectory.open(path) if resume else RunDirectory.create(path, provenance(file))
    tell = (lambda _notice: None) if notices is None else notices.append
    observer = Observer(on_notice=tell)
    simulation = Simulation(
        file, directory, hosts=hosts, observer=observer, retry_failed=retry_failed
    )
    run_async(simulation.run())
    return Run(path)


def deadly(episode=-1):
    """A cast of which one seat ends its host in one episode, or in none."""
    seed = derive(derive(SEED, "episode", episode), "agent", "ann")
    return {"*": {"agent": DEADLY, "victim": seed}}


def digests(run):
    return [run.log.end(e).digest for e in run.log.episodes]


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("hosts", [1, 2])
def test_sim_17_an_episode_that_kills_its_hosts_fails_alone(tmp_path, hosts):
    whole = launch(tmp_path / "whole", hosts=0, cast=deadly())
    notices = []

    run = launch(tmp_path / "run", hosts=hosts, cast=deadly(2), notices=notices)

    assert [e.state for e in run.summary.episodes] == ["ended", "ended", "failed"]
    failed = run.log.core(run.log.end(2), Outcome)
    assert (failed.failed.boundary, failed.n_steps) == ("host", 2)
    assert "its host died whenever the episode went on from here" in failed.failed.message
    assert digests(run)[:2] == digests(whole)[:2]
    n_deaths = len([notice for notice in notices if " died in epoch " in notice])
    assert n_deaths == 6, "one after it has begun, three with nothing new, two alone"
    assert re.match(r"episodes \[.*2\] may be what kills hosts; each is played", notices[-3])
    check_log(run)


@pytest.mark.usefixtures("cluster")
def test_a_run_with_an_episode_that_kills_its_hosts_has_one_digest_on_any_hosts(tmp_path):
    runs = [launch(tmp_path / f"{n}", hosts=n, cast=deadly(2)).digest for n in (1, 2)]

    assert len(set(runs)) == 1


@pytest.mark.usefixtures("cluster")
def test_all_episodes_may_kill_their_hosts(tmp_path):
    run = launch(tmp_path / "run", hosts=2, cast={"*": {"agent": DEADLY}})

    assert [e.boundary for e in run.summary.episodes] == ["host"] * 3


@pytest.mark.usefixtures("cluster")
def test_a_replay_and_a_resumed_run_end_no_process(tmp_path, monkeypatch):
    run = launch(tmp_path / "run", cast=deadly(1), episodes=2)
    monkeypatch.setattr(Deadly, "end_host", staticmethod(os.abort))

    assert run_async(replay(run)) == 2
    assert launch(run.path, hosts=0, cast=deadly(1), episodes=2, resume=True).digest == run.digest


def test_an_episode_that_killed_its_hosts_is_tried_again_if_asked_for(tmp_path, cluster):
    run = launch(tmp_path / "run", cast=deadly(0), episodes=1)
    n_hosts = len(cluster.processes["host-0"])

    again = launch(run.path, cast=deadly(0), episodes=1, resume=True, retry_failed=True)

    assert len(cluster.processes["host-0"]) - n_hosts == 5 + 1, "five died once more"
    assert again.digest == run.digest


@pytest.mark.usefixtures("cluster")
def test_a_branch_may_leave_where_an_episode_killed_its_hosts(tmp_path):
    run = launch(tmp_path / "run", cast=deadly(0), episodes=1)

    branch = prepare_branch(
        run.path, episode=0, step=2, say={"ann": "Let us live."}, out=tmp_path / "branch"
    ).run()

    assert branch.summary.n_ended == 1
    assert "ann: Let us live." in branch.episode(0).transcript()


@pytest.mark.usefixtures("cluster")
def test_an_episode_that_persistent_agents_remember_is_given_up_in_its_turn(tmp_path):
    cast = {"*": {"agent": DEADLY, "persistent": True}}

    run = launch(tmp_path / "run", cast=cast, episodes=2)

    assert [e.boundary for e in run.summary.episodes] == ["host", "host"]
    assert run_async(replay(run)) == 2


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_sim_17_an_agent_that_ends_its_process_fails_its_own_episode(tmp_path):
    whole = launch(tmp_path / "whole", hosts=0, cast=deadly())

    run = launch(tmp_path / "run", hosts=2, cast=deadly(2))

    assert [e.boundary for e in run.summary.episodes] == [None, None, "host"]
    assert digests(run)[:2] == digests(whole)[:2]
    assert run_async(replay(run)) == 3
