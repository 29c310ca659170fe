"""Replicas of Ray Serve, with scripted models."""

import asyncio
import json
import os
import signal
from types import SimpleNamespace

import pytest

from simlab.errors import ConfigError, ModelError
from simlab.models import courier
from simlab.models.engines import ModelSpec
from simlab.models.model import ChatMessage, Sampling
from simlab.models.scripted_embedder import ScriptedEmbedder
from simlab.models.served import ServedModel
from simlab.models.served_embedder import ServedEmbedder
from simlab.models.serving import RUNNING
from tests.models.gated import Gate
from tests.models.lora import write_lora

pytestmark = pytest.mark.ray

HELLO = [ChatMessage("user", "hello")]
SAYS = """
def say(prompt, sampling):
    return "%s"
"""
SEES = """
import os

def say(prompt, sampling):
    return repr(os.environ.get("CUDA_VISIBLE_DEVICES"))
"""
ECHO = "simlab.models.scripts:echo"


def spec(**options):
    given = {"engine": "scripted", "script": ECHO, **options}
    return ModelSpec.model_validate({k: v for k, v in given.items() if v is not None})


@pytest.fixture(scope="module")
def server(ray_session):  # noqa: ARG001
    """Ray Serve on the Ray that all tests share."""
    from ray import serve as ray_serve

    from simlab.models.serve import RayServe

    yield RayServe()
    ray_serve.shutdown()


@pytest.fixture
async def served(server):
    """Starts an app, and gives a model that asks it; it is stopped after the test."""
    started = []

    async def start(**options):
        app = f"test-{len(started)}"
        n_replicas = await server.start(app, "small", spec(**options))
        started.append(app)
        return ServedModel("small", app, n_replicas)

    yield start
    for app in started:
        await server.stop(app)


@pytest.fixture
def gate(ray_session):  # noqa: ARG001
    """Closed to the answers of models that are `Gated`."""
    gate = Gate(is_open=False)
    yield gate
    gate.end()


async def statistics(server, model):
    [app] = [app for app in await server.apps() if app.name == model.app]
    return await server.statistics(app)


async def wait_running(server, model, n_running):
    while sum(one.running for one in await statistics(server, model) if one) != n_running:
        pass  # asking takes its time


async def test_ending_an_app_that_is_not_there_does_nothing(server):
    from ray import serve

    serve.shutdown()
    await server.stop("never-there")
    serve.start(proxy_location="Disabled")
    await server.stop("never-there")

    assert await server.apps() == []


async def test_a_served_model_answers_as_the_model_itself(server, served):
    model = await served(replicas=2)

    completion = await model.generate(HELLO, Sampling(seed=1))

    assert (completion.text, completion.model) == ("hello", "small")
    assert completion.usage.attempts == 1
    assert len({one.pid for one in await statistics(server, model)}) == 2
    assert [app.state for app in await server.apps() if app.name == model.app] == [RUNNING]


async def test_a_replica_that_claims_no_gpu_sees_none(served, own_file, tmp_path):
    own_file(SEES, "sees.py")
    model = await served(script=f"{tmp_path}/sees.py:say")

    assert (await model.generate(HELLO)).text == "''"


async def test_a_replica_that_hangs_is_told_as_one_that_does_not_answer(
    server, served, monkeypatch
):
    from simlab.models import serve  # which imports Ray

    model = await served(replicas=2)
    before = await statistics(server, model)
    monkeypatch.setattr(serve, "_ANSWER_S", 3.0)  # the other may be slow on a busy machine

    os.kill(before[0].pid, signal.SIGSTOP)
    try:
        during = await statistics(server, model)
    finally:
        os.kill(before[0].pid, signal.SIGCONT)

    assert during == [None, before[1]]
    assert before[1].model == "small"


async def test_a_served_embedder_answers_as_the_embedder_itself(server):
    near = ModelSpec.model_validate({"engine": "scripted-embedding", "replicas": 2})
    n_replicas = await server.start("test-near", "near", near)
    embedder = ServedEmbedder("near", "test-near", n_replicas)

    calls = [embedder.embed(["The car is red.", f"It is day {day}."]) for day in range(8)]
    [first, *_] = await asyncio.gather(*calls)

    alone = await ScriptedEmbedder("near").embed(["The car is red.", "It is day 0."])
    assert (first == alone).all()
    await server.stop("test-near")


async def test_train_13_as_many_calls_run_at_once_as_are_made(server, served):
    model = await served(latency_s=30)
    calls = [
        asyncio.ensure_future(model.generate(HELLO, Sampling(seed=seed))) for seed in range(256)
    ]

    await wait_running(server, model, 256)

    for call in calls:
        call.cancel()


async def test_train_12_calls_that_are_cancelled_free_their_slots_within_a_second(server, served):
    model = await served(latency_s=30)
    calls = [asyncio.ensure_future(model.generate(HELLO)) for _ in range(50)]
    await wait_running(server, model, 50)

    for call in calls:
        call.cancel()

    async with asyncio.timeout(1):
        await wait_running(server, model, 0)


async def test_train_11_a_replica_killed_under_100_calls_loses_none_of_them(server, served, gate):
    model = await served(engine="tests.models.gated:Gated", replicas=2)
    calls = [
        asyncio.ensure_future(model.generate(HELLO, Sampling(seed=seed), session=f"s{seed}"))
        for seed in range(100)
    ]
    await wait_running(server, model, 100)

    os.kill((await statistics(server, model))[0].pid, signal.SIGKILL)
    gate.open()
    completions = await asyncio.gather(*calls)

    attempts = [completion.usage.attempts for completion in completions]
    assert len(completions) == 100
    assert set(attempts) == {1, 2}


async def test_a_replica_that_cannot_come_back_fails_its_calls_with_what_its_start_raised(
    server, served, own_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(courier, "_LOOK_S", 1.0)
    own_file(SAYS % "yes", "says.py")
    model = await served(script=f"{tmp_path}/says.py:say", latency_s=30)
    call = asyncio.ensure_future(model.generate(HELLO))
    await wait_running(server, model, 1)

    own_file(SAYS % "no", "says.py")
    os.kill((await statistics(server, model))[0].pid, signal.SIGKILL)

    with pytest.raises(ModelError, match=r"replica-0 of test-0 does not start: .*not what they we"):
        await call


async def test_an_app_that_was_taken_down_fails_its_calls(server, served, monkeypatch):
    monkeypatch.setattr(courier, "_LOOK_S", 1.0)
    model = await served()
    await model.generate(HELLO)

    await server.stop(model.app)

    with pytest.raises(ModelError, match="test-0"):
        await model.generate(HELLO)


async def test_what_the_model_refuses_is_told_as_it_told_it(served):
    model = await served()

    with pytest.raises(ModelError, match="cannot hold a completion to a schema"):
        await model.generate(HELLO, Sampling(schema={"type": "object"}))


async def test_a_model_that_cannot_be_made_is_told_with_the_reason_and_leaves_nothing(server):
    wrong = spec(script="no_such_module:echo")

    with pytest.raises(ConfigError, match=r"models.small.*no module 'no_such_module'"):
        await server.start("wrong", "small", wrong)

    assert "wrong" not in {app.name for app in await server.apps() if app.state == RUNNING}


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("_PLACE_S", "replicas that have taken more than 30s to be scheduled"),
        ("_START_S", "it did not"),
    ],
)
async def test_a_start_is_not_waited_for_without_end(server, monkeypatch, limit, message):
    from simlab.models import serve  # which imports Ray

    replica = SimpleNamespace(message=message if limit == "_PLACE_S" else "")
    deploying = SimpleNamespace(status="DEPLOYING", message="", deployments={"replica-0": replica})

    async def status_of(_app):
        return deploying

    monkeypatch.setattr(serve, "_deploy", lambda _app, _application: None)
    monkeypatch.setattr(serve, "_status_of", status_of)
    monkeypatch.setattr(serve, limit, -1.0)

    with pytest.raises(ConfigError, match=f"models.small cannot be served: .*{message}"):
        await server.start("endless", "small", spec())


async def test_gpus_that_are_not_there_are_told_with_the_sum(server):
    with pytest.raises(ConfigError, match=r"2 replicas of 4 GPU want 8, .*and the cluster has 0"):
        await server.start("wanting", "small", spec(replicas=2, num_gpus=4))


async def test_memory_that_is_not_there_is_told_with_the_sum(server, tmp_path):
    w = {"dtype": "F32", "shape": [1 << 20, 1 << 20], "data_offsets": [0, 0]}
    vast = json.dumps({"w": w}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(vast).to_bytes(8, "little") + vast)
    (tmp_path / "config.json").write_text("{}")
    wanting = ModelSpec.model_validate(
        {"engine": "transformers", "weights": str(tmp_path), "replicas": 3}
    )

    with pytest.raises(ConfigError, match=r"3 replicas of 4096.0 GiB of memory want 12288.0"):
        await server.start("vast", "small", wanting)


@pytest.mark.model
async def test_train_5_a_version_is_published_under_load_and_nothing_restarts(
    server, served, tiny_weights, tmp_path
):
    first, second = (
        write_lora(tmp_path / f"agent@{version}", tiny_weights, seed=version, scale=0.5)
        for version in (7, 8)
    )
    base = await served(engine="transformers", weights=str(tiny_weights), replicas=2, script=None)
    before = [one.pid for one in await statistics(server, base)]
    sampling = Sampling(max_tokens=50, temperature=0)
    published = asyncio.Event()

    async def ask(seed):
        asked = []
        while not (asked and published.is_set()):
            call = base.with_adapter(first).generate([5, 6, 7 + seed], sampling, session=f"s{seed}")
            asked.append(await call)
        return asked

    load = [asyncio.ensure_future(ask(seed)) for seed in range(64)]
    new = await base.with_adapter(second).generate([5, 6, 7], sampling)
    published.set()
    old = await asyncio.gather(*load)

    assert {one.model for asked in old for one in asked} == {"small+agent@7"}
    assert new.model == "small+agent@8"
    assert new.token_ids != old[0][0].token_ids
    assert [one.pid for one in await statistics(server, base)] == before
