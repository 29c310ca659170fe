"""Models as a service of a cluster, without Ray."""

import pytest

from simlab.errors import ConfigError
from simlab.models.engines import read_spec
from simlab.models.transformers_embedder import TransformersEmbedder
from simlab.sim.config import checked
from simlab.sim.service import ModelService, served_specs
from tests.models.memory_serve import MemoryServe
from tests.sim.conftest import RELAY


def file(**models):
    cast = {"ann": {"model": next(iter(models))}, "bob": {"model": next(iter(models))}}
    return checked({**RELAY, "cast": cast, "models": models})


TWO = file(
    small={"engine": "scripted", "replicas": 2},
    slow={"engine": "scripted", "latency_s": 0.1, "replicas": 1},
    local={"engine": "scripted"},
)


@pytest.fixture
def serve():
    return MemoryServe()


async def test_what_a_file_serves_is_up_until_it_is_taken_down(serve):
    service = ModelService(serve)

    up = await service.up(TWO)
    down = await service.down(TWO)

    assert [(one.name, one.app.state, len(one.replicas)) for one in up] == [
        ("small", "RUNNING", 2),
        ("slow", "RUNNING", 1),
    ]
    assert [(one.name, one.app.state) for one in down] == [("small", "ENDED"), ("slow", "ENDED")]
    assert [one.app.state for one in await service.status(TWO)] == ["DOWN", "DOWN"]


async def test_what_is_up_stays_as_it_is_and_what_has_failed_is_started_anew(serve):
    service = ModelService(serve)
    [small, slow] = await service.up(TWO)
    serve.states[slow.app.name] = "UNHEALTHY"

    await service.up(TWO)

    assert serve.started.count(small.app.name) == 1
    assert serve.started.count(slow.app.name) == 2


async def test_models_of_equal_options_share_one_app_of_as_many_replicas_as_any_asks_for(serve):
    spec = {"engine": "scripted", "replicas": 1}

    one, other = await ModelService(serve).up(file(buyer=spec, seller={**spec, "replicas": 2}))

    assert one.app == other.app
    assert one.app.n_replicas == 2
    assert len(serve.started) == 1


async def test_more_replicas_than_are_up_are_refused_with_what_to_do(serve):
    service = ModelService(serve)
    spec = {"engine": "scripted", "replicas": 1}
    [up] = await service.up(file(small=spec))

    with pytest.raises(ConfigError, match=f"2 replicas, and {up.app.name} is up with 1; end it fi"):
        await service.up(file(small={**spec, "replicas": 2}))

    assert len(serve.started) == 1


async def test_without_a_file_all_that_simlab_serves_is_told_by_the_models_names(serve):
    service = ModelService(serve)
    await service.up(TWO)
    await serve.start("somebody-elses", "theirs", read_spec("theirs", {"engine": "scripted"}))

    assert sorted(one.name for one in await service.status()) == ["slow", "small"]


async def test_a_replica_that_does_not_answer_is_told_as_none(serve):
    service = ModelService(serve)
    [small, _] = await service.up(TWO)
    serve.lanes[small.app.name][0].die()

    [told] = [one for one in await service.status() if one.app == small.app]

    assert told.name == "small"
    assert [replica is None for replica in told.replicas] == [True, False]


async def test_what_a_killed_run_has_left_is_ended_by_the_name_that_status_tells(serve):
    service = ModelService(serve)
    await serve.start("simlab-1234-5678", "small", read_spec("small", {"engine": "scripted"}))
    [left] = await service.status()

    [down] = await service.down(left.app.name)

    assert (down.app.name, down.app.state) == ("simlab-1234-5678", "ENDED")
    assert await service.status() == []


async def test_an_app_that_is_not_there_is_refused_with_what_is_near(serve):
    service = ModelService(serve)
    await serve.start("simlab-1234-5678", "small", read_spec("small", {"engine": "scripted"}))

    with pytest.raises(ConfigError, match=r"no app 'simlab-1234'; did you mean simlab-1234-5678\?"):
        await service.down("simlab-1234")


async def test_taking_down_what_is_not_up_does_nothing(serve):
    down = await ModelService(serve).down(TWO)

    assert serve.stopped == []
    assert [one.app.state for one in down] == ["DOWN", "DOWN"]


def test_a_file_without_a_model_to_serve_is_refused():
    with pytest.raises(
        ConfigError, match=r"no model to serve among \['local'\]; give one replicas"
    ):
        served_specs(file(local={"engine": "scripted"}))


def test_an_embedder_with_weights_is_served_and_a_scripted_one_if_it_has_replicas(monkeypatch):
    monkeypatch.setattr(TransformersEmbedder, "folder", lambda _self: None)
    models = {
        "near": {"engine": "embedding"},
        "many": {"engine": "scripted-embedding", "replicas": 2},
        "local": {"engine": "scripted-embedding"},
    }

    assert list(served_specs(file(small={"engine": "scripted"}, **models))) == ["near", "many"]


def test_weights_that_are_not_there_are_refused_before_anything_starts(tmp_path):
    absent = {"engine": "transformers", "weights": str(tmp_path / "absent")}

    with pytest.raises(ConfigError, match="absent"):
        served_specs(file(small=absent))
