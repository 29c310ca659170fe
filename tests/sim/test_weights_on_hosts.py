"""Real weights beside Ray hosts: Ray Serve holds them, all hosts ask it."""

import pytest

import simlab
from simlab.trace.events import Effect, EffectCore
from tests.sim.records import replayed


@pytest.mark.ray
@pytest.mark.model
@pytest.mark.usefixtures("ray_session")
def test_hosts_share_the_weights_that_serve_holds_and_the_run_replays(tmp_path):
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
    assert {segment.host for segment in run.directory.segments()} == {"driver", "host-0", "host-1"}
    effects = [run.log.core(event, EffectCore) for event in run.log.events(0, (Effect,))]
    assert {core.result["model"] for core in effects} == {"small", "other"}
    assert replayed(run) == 2


@pytest.mark.ray
@pytest.mark.model
@pytest.mark.usefixtures("ray_session")
def test_exact_weights_give_one_digest_in_this_process_and_served_to_hosts(tmp_path):
    digests = {
        simlab.run(
            "car_sale",
            episodes=2,
            seed=7,
            hosts=hosts,
            out=tmp_path / f"hosts{hosts}",
            settings={"options.max_rounds": 1, "models.all.replicas": replicas},
        ).digest
        for hosts, replicas in ((0, None), (2, 2))
    }

    assert len(digests) == 1
