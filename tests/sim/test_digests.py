"""One digest, wherever the episodes are played."""

import pytest

from simlab.sim.config import scenario_names
from simlab.sim.launch import run
from simlab.sim.simulation import Observer
from tests.sim.conftest import RELAY
from tests.sim.records import replayed

DIGESTS = {
    "auction": "8dc5c0f58f64ca345302e65a80ba5f0a",
    "booking": "7d05b24325006b074b288e50da73630b",
    "car_sale": "54534d30c65505ae07503ddb3f5c83b9",
    "iterated_dilemma": "8747ea85d5013052295ce2703ed5b960",
    "market_day": "026fd4fc69a4fbe35cbe7332bed64f63",
    "politics": "c1df53516f83d4bcb70b4d789a2ce0ca",
    "risky_advice": "d91b78ced9008b190bdc2a56df3cc19f",
    "round_table": "7da49f57abf2290f5fad024df5adae8e",
    "smoking_coach": "b2f36e2b0fbea3ff7265236c158c3527",
    "study_coach": "84ae1430ed88c5033fd288d747371342",
    "support": "02f761128350f4bbd400165eb255bc0f",
}
"""Of 64 episodes from seed 7; on any machine the same. Who changes a world or its script on purpose
puts what the new run has here.
"""

DIALOGUES = ("politics", "risky_advice", "smoking_coach", "study_coach", "support")
"""Those that differ in their texts alone from one that is played on every number of hosts."""


def played(scenario, out, hosts):
    return run(scenario, episodes=64, seed=7, out=out, hosts=hosts, models={"all": "scripted"})


def test_every_bundled_scenario_has_a_digest_here():
    assert DIGESTS.keys() == set(scenario_names())


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize("scenario", DIGESTS)
def test_sim_6_64_episodes_have_one_digest_on_0_1_2_and_4_hosts_and_on_every_machine(
    scenario, tmp_path
):
    numbers = (0, 2) if scenario in DIALOGUES else (0, 1, 2, 4)

    runs = [played(scenario, tmp_path / f"hosts{hosts}", hosts) for hosts in numbers]

    assert {made.digest for made in runs} == {DIGESTS[scenario]}
    assert all(made.summary.n_ended == 64 for made in runs)
    assert [len(made.directory.segments()) for made in runs] == [n + 1 for n in numbers]
    assert replayed(runs[-1]) == 64


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_sim_6_persistent_agents_remember_the_same_on_0_1_and_2_hosts(run_file, tmp_path):
    path = run_file({**RELAY, "cast": {"ann": {"persistent": True}, "bob": {}}})
    notices = []

    runs = [
        run(
            path,
            episodes=4,
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
    assert replayed(runs[-1]) == 4


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
