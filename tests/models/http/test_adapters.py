"""Adapters of a vLLM server."""

import asyncio
from pathlib import Path

import pytest

from simlab.errors import ConfigError, ModelError
from simlab.models.http.adapters import ServerAdapters
from simlab.models.model import Sampling
from tests.models.lora import write_settings, write_zeros_lora

FOLDER = "/adapters/agent@7"
LOAD = "/v1/load_lora_adapter"


@pytest.fixture
def vllm(make_endpoint, fake_vllm):
    return make_endpoint(fake_vllm, server="vllm")


@pytest.fixture
def ask(vllm):
    async def ask(folder=FOLDER, n=0):
        return await vllm.generate([5, n], Sampling(seed=1), model="small+x", adapter=folder)

    return ask


async def test_an_adapter_is_loaded_once_before_its_first_use(ask, fake_vllm):
    await asyncio.gather(*(ask(n=n) for n in range(5)))

    assert fake_vllm.adapters == {"agent@7": FOLDER}
    assert fake_vllm.paths().count(LOAD) == 1
    assert fake_vllm.paths().index(LOAD) < fake_vllm.paths().index("/v1/completions")


async def test_a_completion_is_drawn_with_its_adapter(ask, vllm, fake_vllm):
    with_adapter = await ask()
    base = await vllm.generate([5, 0], Sampling(seed=1), model="small")

    assert [a["model"] for path, a in fake_vllm.asked if path == "/v1/completions"] == [
        "agent@7",
        "small",
    ]
    assert with_adapter.token_ids != base.token_ids
    assert (with_adapter.model, base.model) == ("small+x", "small")


async def test_choices_are_scored_with_the_adapter(vllm, fake_vllm):
    await vllm.choice_logprobs([5], ["y"], adapter=FOLDER)

    assert fake_vllm.asked[-1][1]["model"] == "agent@7"


async def test_one_that_another_process_has_loaded_is_used(ask, fake_vllm):
    fake_vllm.adapters["agent@7"] = FOLDER

    await ask()

    assert LOAD not in fake_vllm.paths()


async def test_one_that_another_process_loads_at_the_same_time_is_used(ask, fake_vllm, monkeypatch):
    load = fake_vllm._load

    def race(name, folder):
        fake_vllm.adapters[name] = folder
        return load(name, folder)

    monkeypatch.setattr(fake_vllm, "_load", race)

    assert (await ask()).text


async def test_another_adapter_of_the_same_name_is_not_taken_for_it(ask, fake_vllm):
    fake_vllm.adapters["agent@7"] = "/elsewhere/agent@7"

    with pytest.raises(
        ModelError, match=r"another adapter by the name of 'agent@7', from '/elsewh"
    ):
        await ask()


async def test_train_7_a_wrong_adapter_fails_its_own_requests_alone(ask, vllm, fake_vllm):
    fake_vllm.refuses.add("wrong")

    others = [vllm.generate([5, n], Sampling(), model="small") for n in range(20)]
    wrong, *done = await asyncio.gather(ask("/adapters/wrong"), *others, return_exceptions=True)

    assert isinstance(wrong, ModelError)
    assert "adapter '/adapters/wrong' cannot be loaded" in wrong.message
    assert "LoRA rank 64 is greater than max_lora_rank 8" in wrong.message
    assert all(completion.text for completion in done)


async def test_an_adapter_that_was_mended_is_loaded(ask, fake_vllm):
    fake_vllm.refuses.add("agent@7")
    with pytest.raises(ModelError):
        await ask()
    fake_vllm.refuses.clear()

    assert (await ask()).text


async def test_a_server_that_was_started_anew_is_given_the_adapter_again(ask, fake_vllm):
    await ask()
    fake_vllm.adapters.clear()
    with pytest.raises(ModelError, match="The model `agent@7` does not exist"):
        await ask()

    assert (await ask()).text


async def test_a_folder_is_named_as_a_server_elsewhere_finds_it(
    ask, fake_vllm, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    await ask("adapters/agent@7")

    assert fake_vllm.adapters == {"agent@7": str(tmp_path / "adapters" / "agent@7")}


@pytest.fixture
def folder(tmp_path):
    """An adapter that lies where this process finds it too."""
    return Path(write_zeros_lora(tmp_path / "agent@7"))


def names(fake_vllm):
    """Under which names completions were asked for."""
    return [asked["model"] for path, asked in fake_vllm.asked if path == "/v1/completions"]


async def test_train_4_from_the_first_adapter_on_the_base_bears_one_of_zeros(
    ask, vllm, fake_vllm, folder
):
    await vllm.generate([5], Sampling(seed=1), model="small")
    await ask(str(folder))
    await vllm.generate([5], Sampling(seed=1), model="small")
    await vllm.choice_logprobs([5], ["y"])

    base, adapter, *zeros = names(fake_vllm)
    assert (base, adapter) == ("small", "agent@7")
    assert zeros[0] == zeros[1] != "small"
    assert fake_vllm.adapters[zeros[0]] == str(folder.parent / zeros[0])


async def test_train_4_an_adapter_waits_for_what_was_asked_of_the_base_without_one(
    make_endpoint, fake_vllm, folder
):
    opened, asked = asyncio.Event(), asyncio.Event()

    async def gated(request):
        if request.url.path == "/v1/completions" and not opened.is_set():
            asked.set()
            await opened.wait()
        return fake_vllm(request)

    vllm = make_endpoint(gated, server="vllm")
    base = asyncio.create_task(vllm.generate([5], Sampling(), model="small"))
    await asked.wait()
    adapter = asyncio.create_task(vllm.generate([5], Sampling(), model="x", adapter=str(folder)))
    while len(fake_vllm.adapters) < 2:  # noqa: ASYNC110 - files are written in a thread
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    before = names(fake_vllm)
    opened.set()
    await asyncio.gather(base, adapter)

    assert before == []
    assert names(fake_vllm) == ["small", "agent@7"]


async def test_a_server_with_folders_of_its_own_is_asked_for_the_base_as_it_is(
    ask, vllm, fake_vllm
):
    await ask(FOLDER)
    await vllm.generate([5], Sampling(seed=1), model="small")

    assert names(fake_vllm) == ["agent@7", "small"]


async def test_a_server_that_was_started_anew_is_given_the_zeros_again(
    ask, vllm, fake_vllm, folder
):
    await ask(str(folder))
    await vllm.generate([5], Sampling(), model="small")
    fake_vllm.adapters.clear()
    with pytest.raises(ModelError, match="does not exist"):
        await vllm.generate([5], Sampling(), model="small")
    await vllm.generate([5], Sampling(), model="small")

    assert "small" not in names(fake_vllm)


async def test_an_adapter_that_vllm_would_take_otherwise_is_not_handed_in(ask, fake_vllm, folder):
    write_settings(folder, r=4, target_modules=["q_proj"], alpha_pattern={"q_proj": 160})
    with pytest.raises(ModelError, match="passes over alpha_pattern"):
        await ask(str(folder))
    assert fake_vllm.adapters == {}

    write_settings(folder, r=4, target_modules=["q_proj"])
    assert (await ask(str(folder))).text


async def test_a_key_that_comes_back_lets_an_adapter_be_loaded(make_client, fake_vllm, monkeypatch):
    monkeypatch.delenv("A_KEY", raising=False)
    known = ServerAdapters(make_client(fake_vllm, key_env="A_KEY"), "http://x/v1", "small")
    with pytest.raises(ConfigError):
        async with known.asked(FOLDER):
            pass
    monkeypatch.setenv("A_KEY", "sk-one")

    async with known.asked(FOLDER) as name:
        assert name == "agent@7"
