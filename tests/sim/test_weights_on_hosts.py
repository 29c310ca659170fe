"""Real weights beside Ray hosts: one actor holds them, all hosts ask it."""

import pytest

import simlab
from simlab.sim.blocking import run_async
from simlab.sim.replay import replay


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
