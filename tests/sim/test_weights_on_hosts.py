"""Real weights beside Ray hosts: one actor holds them, all hosts ask it."""

import pytest

import simlab
from simlab.trace.events import Effect, EffectCore
from tests.sim.records import replayed


@pytest.mark.ray
@pytest.mark.model
@pytest.mark.usefixtures("ray_session")
def test_hosts_and_models_share_the_weights_of_one_actor_and_the_run_replays(tmp_path):
    run = simlab.run(
        "car_sale",
        episodes=2,
        hosts=2,
        out=tmp_path / "run",
        settings={
            "options.max_rounds": 1,
            "models.other": {"engine": "transformers", "weights": "embedded", "dtype": "bfloat16"},
            "cast.seller.model": "other",
        },
    )

    assert run.summary.n_ended == 2
    assert run.summary.usage["completion_tokens"] > 0
    assert sum("model" in segment.host for segment in run.directory.segments()) == 1
    effects = [run.log.core(event, EffectCore) for event in run.log.events(0, (Effect,))]
    assert {core.result["model"] for core in effects} == {"small", "other"}
    assert replayed(run) == 2
