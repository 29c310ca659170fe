"""`vllm serve` with the embedded weights, asked over HTTP, beside vLLM in this process."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading

import httpx2
import pytest

import simlab
from simlab.errors import ModelError
from simlab.models.cores import spare_cores
from simlab.models.endpoint import EndpointModel
from simlab.models.model import ChatMessage, Sampling
from simlab.models.weights import resolve
from simlab.sim.blocking import run_async
from simlab.sim.replay import replay
from tests.ports import free_ports

pytestmark = pytest.mark.vllm

KEY = "sk-of-this-test"
STARTED = "Application startup complete"
STARTS_IN_S = 240
CHAT = [ChatMessage("system", "You sell a used car."), ChatMessage("user", "What is your price?")]
PRICE = {
    "type": "object",
    "properties": {"price": {"type": "integer", "minimum": 1, "maximum": 9999}},
    "required": ["price"],
    "additionalProperties": False,
}
OPTIONS = [
    "--host",
    "127.0.0.1",
    "--served-model-name",
    "smol",
    "--dtype",
    "float32",
    "--max-model-len",
    "2048",
    "--max-num-batched-tokens",
    "2048",
    "--no-enable-chunked-prefill",
    "--enforce-eager",
    "--block-size",
    "32",
    "--kv-cache-memory-bytes",
    "268435456",
    "--max-num-seqs",
    "32",
    "--enable-lora",
    "--max-lora-rank",
    "8",
    "--max-loras",
    "2",
    "--enable-prompt-tokens-details",
    "--disable-uvicorn-access-log",
    "--structured-outputs-config",
    '{"backend":"xgrammar","disable_any_whitespace":true}',
]


def wait_started(server):
    """Wait until a server says that it has started; goes on to read what it says."""
    said, ready = [], threading.Event()

    def read():
        for line in server.stdout:
            said.append(line)
            if STARTED in line:
                ready.set()
        ready.set()  # it has ended

    threading.Thread(target=read, daemon=True).start()
    in_time = ready.wait(STARTS_IN_S)
    if not in_time or not any(STARTED in line for line in said):
        pytest.fail(f"the server has not started in {STARTS_IN_S} s: {''.join(said[-30:])}")


@pytest.fixture(scope="module")
def url():
    """That of the API of a server that runs while these tests do."""
    (port,) = free_ports(1)
    server = subprocess.Popen(
        [
            *[sys.executable, "-m", "vllm.entrypoints.openai.api_server"],
            *["--model", str(resolve("embedded")), "--port", str(port), "--api-key", KEY],
            *OPTIONS,
        ],
        env=os.environ
        | {
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": str(spare_cores()),
            "TORCHDYNAMO_DISABLE": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_started(server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


@pytest.fixture
def served(url, monkeypatch):
    """The server as it renders chats itself."""
    monkeypatch.setenv("VLLM_TEST_KEY", KEY)
    return EndpointModel("small", url=url, model="smol", server="vllm", key_env="VLLM_TEST_KEY")


@pytest.fixture
def rendered_here(served):
    return EndpointModel(
        "small", served.url, "smol", "vllm", tokenizer="embedded", key_env=served.key_env
    )


async def test_train_1_2_and_3_ids_and_logprobs_are_those_of_vllm_in_this_process(
    served, rendered_here, model
):
    sampling = Sampling(max_tokens=12, temperature=0, logprobs=True)
    begun = [*CHAT, ChatMessage("assistant", '{"price": ')]

    for prompt in (CHAT, begun, [1, 9690, 198, 2683, 359]):
        here = await model.generate(prompt, sampling)
        for endpoint in (served, rendered_here):
            there = await endpoint.generate(prompt, sampling)
            assert there.prompt_ids == here.prompt_ids
            assert there.token_ids == here.token_ids
            assert there.text == here.text
            assert there.logprobs == pytest.approx(here.logprobs, abs=1e-3)
            assert there.usage.completion_tokens == len(there.token_ids)


async def test_a_seed_draws_what_it_draws_in_this_process(served, model):
    sampling = Sampling(max_tokens=12, seed=2**63 - 5)

    there, here = await served.generate(CHAT, sampling), await model.generate(CHAT, sampling)

    assert there.token_ids == here.token_ids


async def test_an_end_of_turn_is_among_the_ids_and_not_in_the_words(served):
    completion = await served.generate(
        [ChatMessage("user", "Say hi.")], Sampling(max_tokens=100, temperature=0)
    )

    assert completion.finish == "stop"
    assert completion.token_ids[-1] == 2
    assert "<|im_end|>" not in completion.text


async def test_train_10_a_schema_holds_in_100_of_100_tries(served):
    tries = (
        served.generate(CHAT, Sampling(max_tokens=40, seed=n, schema=PRICE)) for n in range(100)
    )

    for completion in await asyncio.gather(*tries):
        assert 1 <= json.loads(completion.text)["price"] <= 9999


async def test_influence_1_choices_are_scored_as_in_this_process(served, rendered_here, model):
    choices = [" yes", " no", " 12345", " 12"]

    here = await model.choice_logprobs(CHAT, choices)

    for endpoint in (served, rendered_here):
        assert await endpoint.choice_logprobs(CHAT, choices) == pytest.approx(here, abs=1e-3)


async def test_train_7_an_adapter_answers_as_in_this_process_and_a_wrong_one_harms_nobody(
    served, model, adapters, tmp_path
):
    greedy = Sampling(max_tokens=12, temperature=0, logprobs=True)
    others = [served.generate(CHAT, Sampling(max_tokens=30, seed=n)) for n in range(8)]

    *_, wrong = await asyncio.gather(
        *others,
        served.with_adapter(str(tmp_path / "missing")).generate(CHAT),
        return_exceptions=True,
    )
    there = await served.with_adapter(adapters[0]).generate(CHAT, greedy)

    assert isinstance(wrong, ModelError)
    assert "No adapter found" in wrong.message
    here = await model.with_adapter(adapters[0]).generate(CHAT, greedy)
    assert (there.token_ids, there.model) == (here.token_ids, "small+agent@1")
    assert there.logprobs == pytest.approx(here.logprobs, abs=1e-3)
    base = await model.generate(CHAT, greedy)
    assert there.logprobs != pytest.approx(base.logprobs, abs=1e-3)


async def test_train_4_base_and_two_adapters_in_one_batch_answer_as_each_alone(
    served, model, adapters
):
    greedy = Sampling(max_tokens=16, temperature=0, logprobs=True)
    paths = [None, adapters[2], adapters[3], None, adapters[2], None]
    asked = [([ChatMessage("user", f"What about car {n}?")], path) for n, path in enumerate(paths)]
    alone = [await model.with_adapter(path).generate(prompt, greedy) for prompt, path in asked]
    for path in adapters[2:4]:  # all are loaded, and so come into one batch
        await served.with_adapter(path).generate(CHAT, Sampling(max_tokens=1))

    mixed = await asyncio.gather(
        *(served.with_adapter(path).generate(prompt, greedy) for prompt, path in asked)
    )

    assert [one.token_ids for one in mixed] == [one.token_ids for one in alone]
    for here, there in zip(alone, mixed, strict=True):
        assert there.logprobs == pytest.approx(here.logprobs, abs=1e-3)


async def test_cached_tokens_are_counted(served):
    long = [ChatMessage("user", "Tell me of the car. " * 60)]
    await served.generate(long, Sampling(max_tokens=1, seed=1))

    completion = await served.generate(long, Sampling(max_tokens=1, seed=2))

    assert completion.usage.cached_tokens >= 256


async def test_train_12_a_request_that_is_cancelled_frees_its_slot(served):
    async with httpx2.AsyncClient(base_url=served.url.removesuffix("/v1")) as http:

        async def n_running():
            lines = (await http.get("/metrics")).text
            return float(re.search(r"^vllm:num_requests_running\{.*\} (\S+)$", lines, re.M)[1])

        task = asyncio.create_task(served.generate([5, 6, 7], Sampling(max_tokens=2000, seed=1)))
        while not await n_running():
            pass
        task.cancel()
        async with asyncio.timeout(1):
            while await n_running():
                pass


async def test_asked_as_a_hosted_endpoint_it_gives_the_same_words(served):
    sampling = Sampling(max_tokens=12, temperature=0, logprobs=True)
    hosted = EndpointModel("small", served.url, "smol", key_env=served.key_env)

    words, ids = await hosted.generate(CHAT, sampling), await served.generate(CHAT, sampling)

    assert (words.text, words.logprobs) == (ids.text, pytest.approx(ids.logprobs, abs=1e-3))
    assert words.token_ids == ()


async def test_what_the_server_refuses_is_shown(served, monkeypatch):
    with pytest.raises(ModelError, match="maximum context length is 2048 tokens"):
        await served.generate([5] * 3000)
    monkeypatch.setenv("VLLM_TEST_KEY", "sk-wrong")
    with pytest.raises(ModelError, match=r"401 Unauthorized: .*let key_env name"):
        await served.generate(CHAT)


def test_train_1_a_scenario_is_played_over_http_and_its_record_holds_no_key(served, tmp_path):
    options = {"url": served.url, "model": "smol", "server": "vllm", "key_env": served.key_env}
    settings = {f"models.all.{name}": value for name, value in options.items()}

    run = simlab.run(
        "car_sale", out=tmp_path / "r", hosts=0, models={"all": "http"}, settings=settings
    )

    assert run.summary.n_ended == 1
    assert run.summary.usage["prompt_tokens"] > 0
    assert run_async(replay(run)) == 1
    assert not any(KEY.encode() in f.read_bytes() for f in run.path.rglob("*") if f.is_file())
