"""One digest, wherever the episodes are played."""

import pytest

from simlab.sim.blocking import run_async
from simlab.sim.config import scenario_names
from simlab.sim.launch import run
from simlab.sim.replay import replay
from simlab.sim.simulation import Observer
from tests.sim.conftest import RELAY

N_EPISODES = 4


def played(scenario, out, hosts):
    return run(
        scenario, episodes=N_EPISODES, seed=7, out=out, hosts=hosts, models={"all": "scripted"}
    )


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize("scenario", scenario_names())
def test_sim_6_a_bundled_scenario_has_one_digest_on_0_1_2_and_4_hosts(scenario, tmp_path):
    runs = [played(scenario, tmp_path / f"hosts{hosts}", hosts) for hosts in (0, 1, 2, 4)]

    assert len({made.digest for made in runs}) == 1
    assert all(made.summary.n_ended == N_EPISODES for made in runs)
    assert [len(made.directory.segments()) for made in runs] == [1, 2, 3, 5], "one for each host"
    assert run_async(replay(runs[-1])) == N_EPISODES


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_sim_6_persistent_agents_remember_the_same_on_0_1_and_2_hosts(run_file, tmp_path):
    path = run_file({**RELAY, "cast": {"ann": {"persistent": True}, "bob": {}}})
    notices = []

    runs = [
        run(
            path,
            episodes=N_EPISODES,
            out=tmp_path / f"hosts{hosts}",
            hosts=hosts,
            observer=Observer(on_notice=notices.append),
        )
        for hosts in (0, 1, 2)
    ]

    assert len({made.digest for made in runs}) == 1
    assert [len(made.directory.segments()) for made in runs] == [1, 2, 2], "all on one host"
    assert [notice.partition("one host, ")[2] for notice in notices] == [
        "which hosts 2 cannot change"
    ]
    assert run_async(replay(runs[-1])) == N_EPISODES


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_sim_17_episodes_that_fail_have_one_digest_on_0_and_1_hosts(run_file, tmp_path):
    judge = {"agent": "rating", "question": "How polite was it?"}
    settings = {"models.small.fail_rate": 0.1, "judges": {"polite": judge}}
    path = run_file(RELAY)

    runs = [
        run(path, episodes=8, out=tmp_path / f"hosts{hosts}", hosts=hosts, settings=settings)
        for hosts in (0, 1)
    ]

    assert runs[0].digest == runs[1].digest
    assert 0 < runs[0].summary.n_failed < 8
