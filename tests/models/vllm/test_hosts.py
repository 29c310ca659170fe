"""vLLM beside Ray hosts: Ray Serve holds it in a process of its own."""

import pytest

import simlab
from tests.sim.records import replayed

pytestmark = [pytest.mark.vllm, pytest.mark.ray]


@pytest.mark.usefixtures("ray_session")
def test_train_1_a_scenario_is_played_by_vllm_beside_hosts_and_replays(tmp_path):
    run = simlab.run(
        "car_sale",
        episodes=2,
        hosts=1,
        out=tmp_path / "run",
        models={"all": "vllm:embedded"},
        settings={
            "options.max_rounds": 1,
            "models.all.max_model_len": 1024,
            "models.all.cache_gib": 0.2,
        },
    )

    assert run.summary.n_ended == 2
    assert run.summary.usage["completion_tokens"] > 0
    assert {segment.host for segment in run.directory.segments()} == {"driver", "host-0"}
    assert replayed(run) == 2
