"""Real weights beside Ray hosts: Ray Serve holds them, all hosts ask it."""

import pytest

import simlab
from simlab.trace.events import Effect, EffectCore
from tests.sim.records import replayed


@pytest.mark.ray
@pytest.mark.model
@pytest.mark.usefixtures("ray_session")
def test_hosts_share_exact_weights_that_serve_holds_with_one_digest_and_the_run_replays(tmp_path):
    here, served = (
        simlab.run(
            "car_sale",
            episodes=2,
            seed=7,
            hosts=hosts,
            out=tmp_path / f"hosts{hosts}",
            settings={
                "options.max_rounds": 1,
                "models.all.replicas": replicas,
                "models.other": {"engine": "scripted", "replicas": replicas},
                "cast.seller.model": "other",
            },
        )
        for hosts, replicas in ((0, None), (2, 2))
    )

    assert served.digest == here.digest
    assert served.summary.n_ended == 2
    assert served.summary.usage["completion_tokens"] > 0
    writers = {segment.host for segment in served.directory.segments()}
    assert writers == {"driver", "host-0", "host-1"}
    effects = [served.log.core(event, EffectCore) for event in served.log.events(0, (Effect,))]
    assert {core.result["model"] for core in effects} == {"small", "other"}
    assert replayed(served) == 2
