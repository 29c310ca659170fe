"""vLLM with the embedded weights, on the CPU."""

import asyncio
import json
import math
from copy import deepcopy
from dataclasses import replace

import psutil
import pytest

from simlab.errors import EngineDiedError, ModelError
from simlab.models.model import ChatMessage, Completion, Sampling
from simlab.models.render import Renderer
from simlab.models.vllm_model import VllmModel
from simlab.models.weights import resolve
from tests.models.lora import merged, write_lora, write_settings
from tests.models.test_contract import (  # noqa: F401 - they run here with the model of this folder
    test_a_prompt_may_be_token_ids,
    test_a_request_with_a_seed_is_answered_alike_again,
    test_choices_get_logprobs_in_their_order,
    test_it_is_a_model_and_its_completions_bear_its_name,
    test_no_adapter_leaves_it_as_it_is,
    test_the_number_of_tokens_is_a_limit,
)
from tests.models.tool_templates import CALLS, CHAT, WEATHER
from tests.train.publishing import check_served

pytestmark = pytest.mark.vllm

OFFER = {
    "type": "object",
    "properties": {
        "price": {"type": "integer", "minimum": 1, "maximum": 9999},
        "say": {"type": "string", "maxLength": 4},
    },
    "required": ["price", "say"],
    "additionalProperties": False,
}


def chat(text):
    return [ChatMessage("system", "You sell a used car."), ChatMessage("user", text)]


@pytest.fixture(scope="session")
def plain():
    """Log-probabilities of the drawn tokens by a plain forward of base or adapter."""
    import torch
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(resolve("embedded"), dtype=torch.float32).eval()

    def logprobs(completion, adapter=None):
        network = base if adapter is None else merged(deepcopy(base), adapter)
        ids = torch.tensor([[*completion.prompt_ids, *completion.token_ids]])
        with torch.inference_mode():
            found = network(ids).logits[0].log_softmax(-1)
        start = len(completion.prompt_ids) - 1
        return [float(found[start + n, token]) for n, token in enumerate(completion.token_ids)]

    return logprobs


async def test_train_2_ids_come_back_as_they_were_sent(model):
    ids = [1, 9690, 198, 2683, 359]

    completion = await model.generate(ids, Sampling(max_tokens=4, seed=1))

    assert completion.prompt_ids == tuple(ids)
    assert len(completion.token_ids) == completion.usage.completion_tokens == 4
    assert completion.model == "small"


async def test_train_3_logprobs_are_those_of_a_plain_forward_of_base_and_adapter(
    model, adapters, plain
):
    sampling = Sampling(max_tokens=12, seed=5, logprobs=True)

    for version, adapter in ((model, None), (model.with_adapter(adapters[0]), adapters[0])):
        completion = await version.generate(chat("What is your price?"), sampling)

        expected = plain(completion, adapter)
        assert completion.logprobs == pytest.approx(expected, abs=1e-3)
        assert len(expected) == 12


async def test_train_4_a_batch_of_base_and_two_adapters_equals_each_alone(model, adapters):
    versions = [model, model.with_adapter(adapters[0]), model.with_adapter(adapters[1])] * 2
    asked = [(version, chat(f"What about car {n}?")) for n, version in enumerate(versions)]
    greedy = Sampling(max_tokens=16, temperature=0)

    alone = [await version.generate(prompt, greedy) for version, prompt in asked]
    mixed = await asyncio.gather(*(version.generate(prompt, greedy) for version, prompt in asked))

    assert [one.token_ids for one in mixed] == [one.token_ids for one in alone]
    assert [one.model for one in mixed] == ["small", "small+agent@1", "small+agent@2"] * 2


async def test_train_6_a_new_version_is_not_served_from_the_cache_of_another(
    model, adapters, plain
):
    long = chat("Tell me of the car. " * 40)
    sampling = Sampling(max_tokens=8, seed=3, logprobs=True)
    await model.generate(long, sampling)
    await model.with_adapter(adapters[0]).generate(long, sampling)

    completion = await model.with_adapter(adapters[1]).generate(long, sampling)

    assert completion.logprobs == pytest.approx(plain(completion, adapters[1]), abs=1e-3)


async def test_train_7_a_wrong_adapter_fails_its_own_request_alone(model, adapters, tmp_path):
    truncated = tmp_path / "cut"
    truncated.mkdir()
    (truncated / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8}))
    (truncated / "adapter_model.safetensors").write_bytes(b"12345")
    wide = write_lora(tmp_path / "wide", resolve("embedded"), seed=1, rank=64)
    uneven = write_lora(
        tmp_path / "uneven", resolve("embedded"), seed=1, alpha_pattern={"q_proj": 160}
    )
    busy = [
        asyncio.ensure_future(
            model.with_adapter(adapters[n % 2]).generate(chat(f"{n}"), Sampling(max_tokens=40))
        )
        for n in range(20)
    ]

    for folder in (tmp_path / "missing", truncated, wide, uneven):
        with pytest.raises(ModelError, match=f"adapter '{folder}'"):
            await model.with_adapter(str(folder)).generate(chat("hello"))

    assert len(await asyncio.gather(*busy)) == 20


async def test_train_3_an_adapter_of_some_layers_changes_those_alone(model, plain, tmp_path):
    some = write_lora(
        tmp_path / "some",
        resolve("embedded"),
        seed=1,
        modules=("layers.3.self_attn.q_proj",),
    )
    write_settings(some, r=8, use_rslora=True, target_modules=["q_proj"], layers_to_transform=[3])
    sampling = Sampling(max_tokens=8, seed=3, logprobs=True)

    completion = await model.with_adapter(some).generate(chat("What is your price?"), sampling)

    assert completion.logprobs == pytest.approx(plain(completion, some), abs=1e-3)


async def test_train_17_a_published_adapter_is_served_by_vllm(model, tmp_path):
    await check_served(
        lambda prompt, sampling, adapter: model.with_adapter(adapter).generate(prompt, sampling),
        tmp_path / "agent@1",
    )


async def test_train_8_an_adapter_that_was_evicted_answers_as_before(model, adapters):
    greedy = Sampling(max_tokens=8, temperature=0)
    prompt = chat("What is your price?")
    first = await model.with_adapter(adapters[0]).generate(prompt, greedy)

    for adapter in adapters[1:]:
        await model.with_adapter(adapter).generate(prompt, greedy)

    again = await model.with_adapter(adapters[0]).generate(prompt, greedy)

    assert again.token_ids == first.token_ids


async def test_train_9_a_seed_gives_the_same_tokens_alone_and_among_32_others(model):
    prompts = [chat(f"What about car {n}?") for n in range(4)]

    def drawn(number):
        return model.generate(prompts[number], Sampling(max_tokens=12, seed=number))

    alone = [await drawn(number) for number in range(4)]
    others = [model.generate(chat("hello " * n), Sampling(max_tokens=12)) for n in range(1, 33)]
    among = (await asyncio.gather(*map(drawn, range(4)), *others))[:4]

    assert [one.token_ids for one in among] == [one.token_ids for one in alone]
    assert not any(one.exact for one in among), "vLLM does not promise it"
    with pytest.raises(ModelError, match="no exact completions"):
        await model.generate(prompts[0], Sampling(seed=1, exact=True))


async def test_train_10_a_schema_holds_in_100_of_100_tries(model):
    tries = (
        model.generate(chat("Offer a price."), Sampling(max_tokens=40, seed=n, schema=OFFER))
        for n in range(100)
    )

    for completion in await asyncio.gather(*tries):
        offer = json.loads(completion.text)
        assert 1 <= offer["price"] <= 9999
        assert len(offer["say"]) <= 4
        assert set(offer) == {"price", "say"}


async def test_a_schema_that_cannot_be_held_is_refused(model):
    with pytest.raises(ModelError, match=r"type 'nonsense' at \$"):
        await model.generate(chat("hello"), Sampling(schema={"type": "nonsense"}))


async def test_a_schema_beside_a_begun_reply_is_refused(model):
    begun = [*chat("hello"), ChatMessage("assistant", '{"price": ')]

    with pytest.raises(ModelError, match=r"begun with '\{\"price\": '"):
        await model.generate(begun, Sampling(schema=OFFER))


async def test_a_begun_reply_is_gone_on_with(model):
    begun = [*chat("What is two and two?"), ChatMessage("assistant", "Two and two is")]

    completion = await model.generate(begun, Sampling(max_tokens=6, temperature=0))

    assert completion.text.startswith(" ")
    assert "Two and two is" not in completion.text


async def test_train_12_a_request_that_is_cancelled_frees_its_slot(model):
    engine = await model.load()
    before = engine.statistics().running
    task = asyncio.ensure_future(model.generate(chat("a story"), Sampling(max_tokens=1500)))
    while engine.statistics().running == before:  # noqa: ASYNC110 - it is another thread's
        await asyncio.sleep(0)

    task.cancel()
    async with asyncio.timeout(1):
        while engine.statistics().running > before:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_influence_1_choices_are_scored_exactly_as_sequences(model, plain):
    from transformers import AutoTokenizer

    choices = ["1", "10", "I am", " perhaps"]
    prompt = chat("How glad are you, from 1 to 10?")

    logprobs = await model.choice_logprobs(prompt, choices)

    assert list(logprobs) == choices
    read = (await model.generate(prompt, Sampling(max_tokens=1))).prompt_ids
    tokenizer = AutoTokenizer.from_pretrained(resolve("embedded"))
    whole = {
        choice: Completion("", prompt_ids=read, token_ids=tuple(tokenizer.encode(choice)))
        for choice in choices
    }
    expected = {choice: math.fsum(plain(completion)) for choice, completion in whole.items()}
    expected["1"] = math.log(math.exp(expected["1"]) - math.exp(expected["10"]))
    assert logprobs == pytest.approx(expected, abs=1e-3)


async def test_influence_3_probabilities_are_of_raw_logits_whatever_stands_beside_the_weights(
    model, weights, plain
):
    from transformers import AutoTokenizer

    assert json.loads((weights / "generation_config.json").read_text())["temperature"] == 0.6
    prompt = chat("Is it a good car?")
    tempered = Sampling(max_tokens=8, temperature=0.6, top_p=0.9, seed=1, logprobs=True)

    drawn = await model.generate(prompt, tempered)
    scores = await model.choice_logprobs(prompt, [" yes", " no"])

    assert drawn.logprobs == pytest.approx(plain(drawn), abs=1e-3)
    tokenizer = AutoTokenizer.from_pretrained(weights)
    for choice, score in scores.items():
        ids = tuple(tokenizer.encode(choice, add_special_tokens=False))
        assert score == pytest.approx(math.fsum(plain(replace(drawn, token_ids=ids))), abs=1e-3)


async def test_stop_texts_end_a_completion_and_are_no_part_of_it(model):
    prompt = chat("Tell me a long story of a car.")
    whole = await model.generate(prompt, Sampling(max_tokens=24, temperature=0))
    word = whole.text.split()[4]

    stopped = await model.generate(prompt, Sampling(max_tokens=24, temperature=0, stop=(word,)))

    assert stopped.finish == "stop"
    assert whole.text.startswith(stopped.text)
    assert word not in stopped.text


async def test_what_does_not_fit_the_model_is_refused(model):
    with pytest.raises(ModelError, match=r"must fit 2048 tokens together, got \d+ of prompt"):
        await model.generate(chat("hello"), Sampling(max_tokens=5000))


async def test_a_prompt_that_begins_alike_is_not_read_anew(model):
    long = chat("Tell me of the car. " * 60)
    await model.generate(long, Sampling(max_tokens=1, seed=1))

    completion = await model.generate(long, Sampling(max_tokens=1, seed=2))

    assert completion.usage.cached_tokens >= 256
    assert completion.usage.model_s > 0


async def test_an_engine_whose_process_is_killed_says_so_and_can_be_closed(model):  # noqa: ARG001
    before = set(psutil.Process().children(recursive=True))
    other = VllmModel("other", max_model_len=256, cache_gib=0.1)
    engine = other.open()
    task = asyncio.ensure_future(engine.generate(chat("a story"), Sampling(max_tokens=200)))
    while not engine.statistics().running:  # noqa: ASYNC110 - it is another thread's
        await asyncio.sleep(0)

    for child in set(psutil.Process().children(recursive=True)) - before:
        child.kill()

    with pytest.raises(EngineDiedError):
        await task
    with pytest.raises(EngineDiedError):
        await engine.check_health()
    await other.close()
    with pytest.raises(ModelError, match="the model's engine is closed"):
        await engine.generate(chat("hello"), Sampling(max_tokens=1))


async def test_tools_are_told_to_the_model_and_its_calls_are_read(model, monkeypatch):
    said = '{"name": "weather", "parameters": {"city": "Rome"}}'
    monkeypatch.setattr(Renderer, "continuation", lambda *_: said)

    offered = await model.generate(CHAT, Sampling(max_tokens=2, tools=(WEATHER,)))
    alone = await model.generate(CHAT, Sampling(max_tokens=2))

    assert (offered.text, offered.calls) == ("", (replace(CALLS[0], id=""),))
    assert (alone.text, alone.calls) == (said, ())
    assert len(offered.prompt_ids) > len(alone.prompt_ids)
