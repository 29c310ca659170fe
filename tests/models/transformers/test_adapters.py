"""Adapters beside each other and beside the base weights, each as if it were alone."""

import asyncio
import copy
from functools import partial
from pathlib import Path

import pytest

from simlab.errors import ModelError
from simlab.models.model import Sampling
from tests.models.costs import said
from tests.models.lora import ALL, merged, write_lora, write_settings
from tests.models.transformers.plain import plain_logprobs
from tests.models.transformers.requests import LONG, SEEDED, drawn, prompt_of

pytestmark = pytest.mark.model

GREEDY = Sampling(max_tokens=20, temperature=0, logprobs=True)


@pytest.fixture(scope="module")
def write(tiny_weights):
    """Writes an adapter for the tiny weights that leads far from them."""
    return partial(write_lora, base=tiny_weights, seed=0, scale=2.0, modules=ALL)


@pytest.fixture(scope="module")
def agents(tmp_path_factory, write):
    """Folders of four versions of an agent, of three ranks."""
    root = tmp_path_factory.mktemp("adapters")
    ranks = (4, 6, 4, 1)
    return [write(root / f"agent@{seed}", seed=seed, rank=rank) for seed, rank in enumerate(ranks)]


@pytest.fixture
def version(plain_model):
    """The tiny weights with an adapter merged into them."""

    def merge(folder):
        return merged(copy.deepcopy(plain_model), folder)

    return merge


@pytest.mark.parametrize("sampling", [GREEDY, SEEDED], ids=["greedy", "seeded"])
async def test_train_4_a_batch_of_base_and_adapters_draws_what_each_request_draws_alone(
    own_engine, agents, together, sampling
):
    engine = own_engine(cache_tokens=0)
    paths = [None, agents[0], agents[1], agents[0]] * 4
    asked = [(prompt_of(1 + 9 * place, first=place), path) for place, path in enumerate(paths)]
    alone = [await engine.generate(prompt, sampling, adapter=path) for prompt, path in asked]

    beside = await together(
        *(engine.generate(prompt, sampling, adapter=path) for prompt, path in asked)
    )

    assert [drawn(one) for one in beside] == [drawn(one) for one in alone]
    assert all(one.exact for one in beside)


async def test_versions_draw_other_tokens_than_the_base_and_than_each_other(tiny_engine, agents):
    completions = [
        await tiny_engine.generate(prompt_of(40), SEEDED, adapter=path) for path in (None, *agents)
    ]

    assert len({drawn(completion) for completion in completions}) == 5


async def test_train_3_logprobs_under_an_adapter_are_those_of_merged_weights(
    tiny_engine, plain_model, version, agents
):
    sampling = Sampling(max_tokens=40, seed=3, logprobs=True)

    completion = await tiny_engine.generate(prompt_of(90), sampling, adapter=agents[1])

    wanted = plain_logprobs(version(agents[1]), prompt_of(90), completion.token_ids)
    assert completion.logprobs == pytest.approx(wanted, abs=1e-3)
    base = plain_logprobs(plain_model, prompt_of(90), completion.token_ids)
    assert completion.logprobs != pytest.approx(base, abs=0.1)


async def test_choices_are_scored_by_the_version_that_is_asked(
    tiny_engine, tokenizer, version, agents
):
    choices = ["1", "yes", "maybe not"]

    found = await tiny_engine.choice_logprobs(prompt_of(70), choices, adapter=agents[0])

    trained = version(agents[0])
    for choice, logprob in found.items():
        tokens = tokenizer.encode(choice, add_special_tokens=False)
        wanted = sum(plain_logprobs(trained, prompt_of(70), tokens))
        assert logprob == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize(
    "settings",
    [
        {"use_rslora": True},
        {"alpha_pattern": {"q_proj": 2, "layers.9.self_attn.v_proj": 99}},
        {"rank_pattern": {"up_proj": 2}, "alpha": 3},
    ],
    ids=["rslora", "alpha_pattern", "rank_pattern"],
)
async def test_scales_and_ranks_of_single_layers_are_honoured(
    tiny_engine, write, version, tmp_path, settings
):
    folder = write(tmp_path / "agent@1", **settings)

    completion = await tiny_engine.generate(prompt_of(30), SEEDED, adapter=folder)

    wanted = plain_logprobs(version(folder), prompt_of(30), completion.token_ids)
    assert completion.logprobs == pytest.approx(wanted, abs=1e-3)


async def test_train_6_after_a_swap_a_prompt_draws_what_a_cold_engine_draws(own_engine, agents):
    engine = own_engine()
    prompt = prompt_of(200)
    for path in (agents[0], None, agents[0]):
        await engine.generate(prompt, SEEDED, session="buyer", adapter=path)

    swapped = await engine.generate(prompt, SEEDED, session="buyer", adapter=agents[1])
    again = await engine.generate(prompt, SEEDED, session="buyer", adapter=agents[1])

    cold = await own_engine().generate(prompt, SEEDED, session="buyer", adapter=agents[1])
    assert said(swapped) == said(again) == said(cold)
    assert swapped.usage.cached_tokens == 0
    assert again.usage.cached_tokens == 192


async def test_train_8_an_evicted_version_answers_as_it_did_at_first(own_engine, agents):
    engine = own_engine(max_adapters=2)
    first = await engine.generate(prompt_of(50), SEEDED, adapter=agents[0])
    for path in agents[1:]:
        await engine.generate(prompt_of(50), SEEDED, adapter=path)
    assert engine.statistics().adapters == ("agent@2", "agent@3")

    again = await engine.generate(prompt_of(50), SEEDED, adapter=agents[0])

    assert drawn(again) == drawn(first)
    assert engine.statistics().adapters == ("agent@3", "agent@0")


async def test_a_row_in_flight_goes_on_with_a_version_that_is_dropped(
    own_engine, endless_weights, agents
):
    engine = own_engine(endless_weights, max_adapters=1)
    alone = await engine.generate(prompt_of(20), LONG, adapter=agents[0])
    task = asyncio.create_task(engine.generate(prompt_of(20), LONG, adapter=agents[0]))
    await asyncio.sleep(0)

    await engine.generate(prompt_of(20), SEEDED, adapter=agents[1])

    assert engine.statistics().adapters == ("agent@1",)
    assert not task.done()
    assert drawn(await task) == drawn(alone)


def spoil(folder, how):
    """Make a wrong adapter of a right one."""
    tensors = folder / "adapter_model.safetensors"
    match how:
        case "missing":
            tensors.unlink()
        case "truncated":
            tensors.write_bytes(tensors.read_bytes()[:-100])
        case "wrong rank":
            write_settings(folder, r=3, target_modules=["q_proj"])


@pytest.mark.parametrize("how", ["missing", "truncated", "wrong rank"])
async def test_train_7_a_wrong_adapter_fails_its_own_request_alone(
    tiny_engine, write, agents, tmp_path, how
):
    wrong = Path(write(tmp_path / "agent@9"))
    spoil(wrong, how)
    alone = await tiny_engine.generate(prompt_of(40), SEEDED, adapter=agents[0])

    *completions, error = await asyncio.gather(
        *(tiny_engine.generate(prompt_of(40), SEEDED, adapter=agents[0]) for _ in range(20)),
        refused(tiny_engine.generate(prompt_of(40), SEEDED, adapter=str(wrong))),
    )

    assert {drawn(completion) for completion in completions} == {drawn(alone)}
    assert f"adapter '{wrong}'" in str(error)


async def refused(call):
    with pytest.raises(ModelError) as raised:
        await call
    return raised.value


async def test_an_adapter_of_numbers_that_are_none_fails_its_own_request_alone(
    tiny_engine, write, tmp_path, together
):
    from safetensors.torch import load_file, save_file

    folder = Path(write(tmp_path / "agent@1"))
    tensors = load_file(folder / "adapter_model.safetensors")
    save_file(
        {name: one * float("nan") for name, one in tensors.items()},
        folder / "adapter_model.safetensors",
    )

    *completions, error = await together(
        *(tiny_engine.generate(prompt_of(40), SEEDED) for _ in range(5)),
        refused(tiny_engine.generate(prompt_of(40), SEEDED, adapter=str(folder))),
    )

    assert len({drawn(completion) for completion in completions}) == 1
    assert "are not numbers" in str(error)


async def test_where_an_adapters_rows_depend_on_each_other_exact_ones_are_computed_by_themselves(
    own_engine, agents, monkeypatch, together
):
    from simlab.models.transformers import adaptation
    from simlab.models.transformers.network import Network

    monkeypatch.setattr(adaptation, "_try_rows", lambda *_: False)
    widths = []
    logits = Network.logits

    def counted(network, parts):
        widths.append(len(parts))
        return logits(network, parts)

    monkeypatch.setattr(Network, "logits", counted)
    engine = own_engine()
    widths.clear()
    exact = Sampling(max_tokens=20, seed=7, exact=True)

    completions = await together(
        *(engine.generate(prompt_of(40), exact, adapter=agents[0]) for _ in range(3))
    )
    assert set(widths) == {1}
    assert all(completion.exact for completion in completions)

    seeded = await together(
        *(engine.generate(prompt_of(40), SEEDED, adapter=agents[0]) for _ in range(3))
    )
    assert max(widths) > 1
    assert not any(completion.exact for completion in seeded)
    assert (await engine.generate(prompt_of(40), SEEDED)).exact


async def test_an_adapter_in_bfloat16_weights_is_computed_in_their_type(own_engine, agents):
    engine = own_engine(dtype="bfloat16")

    completion, again = [
        await engine.generate(prompt_of(40), SEEDED, adapter=agents[0]) for _ in range(2)
    ]

    assert drawn(completion) == drawn(again)
    assert drawn(completion) != drawn(await engine.generate(prompt_of(40), SEEDED))


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT's
async def test_train_3_logprobs_under_an_adapter_are_those_of_peft(
    tiny_engine, tiny_weights, agents
):
    peft = pytest.importorskip("peft", reason="PEFT is not installed: nothing to compare with")
    from transformers import AutoModelForCausalLM

    completion = await tiny_engine.generate(prompt_of(60), SEEDED, adapter=agents[1])

    base = AutoModelForCausalLM.from_pretrained(tiny_weights, attn_implementation="eager")
    trained = peft.PeftModel.from_pretrained(base, agents[1]).eval()
    wanted = plain_logprobs(trained, prompt_of(60), completion.token_ids)
    assert completion.logprobs == pytest.approx(wanted, abs=1e-3)
