"""Models beside Ray hosts: weights are held by one actor, all else is made where it is asked."""

import pytest
import yaml

import simlab
from simlab.sim.blocking import run_async
from simlab.sim.replay import replay

OWN = """
from dataclasses import dataclass
from simlab.env.auction import Auction
from simlab.models.scripted import ScriptedModel

class World(Auction):
    pass

@dataclass(frozen=True)
class Engine(ScriptedModel):
    mood: str = "calm"

def bid(prompt, sampling):
    return f" {sampling.seed % 50}}}"
"""


@pytest.mark.ray
@pytest.mark.model
@pytest.mark.usefixtures("ray_session")
def test_hosts_share_the_weights_of_one_actor_and_the_run_replays(tmp_path):
    run = simlab.run(
        "car_sale",
        episodes=2,
        hosts=2,
        out=tmp_path / "run",
        settings={"options.max_rounds": 1},
    )

    assert run.summary.n_ended == 2
    assert run.summary.usage["completion_tokens"] > 0
    assert sum("model" in segment.host for segment in run.directory.segments()) == 1
    assert run_async(replay(run)) == 2


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_a_users_file_may_hold_world_engine_and_script_of_a_run_on_any_hosts(own_file, tmp_path):
    file = str(tmp_path / own_file(OWN))
    names = {
        "world": f"{file}:World",
        "cast": {"*": {}},
        "models": {"small": {"engine": f"{file}:Engine", "script": f"{file}:bid"}},
    }
    run_file = own_file(yaml.safe_dump(names), "mine.yaml")

    runs = [
        simlab.run(run_file, episodes=2, hosts=hosts, out=tmp_path / f"hosts{hosts}")
        for hosts in (0, 1)
    ]

    assert runs[0].digest == runs[1].digest
    assert runs[1].summary.n_ended == 2
    assert runs[1].frame().words.nunique() > 1
