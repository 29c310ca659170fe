import math
import random
import time
from dataclasses import replace

import numpy as np
import pytest

from simlab.errors import ModelError
from simlab.models.model import ChatMessage, Sampling
from simlab.models.render import Renderer
from tests.models.costs import said
from tests.models.draws import with_draws
from tests.models.tool_templates import CALLS, CHAT, WEATHER
from tests.models.transformers.plain import plain_logprobs
from tests.models.transformers.requests import HELLO, SEEDED, drawn, prompt_of

pytestmark = pytest.mark.model


async def test_train_9_a_seeded_completion_is_the_same_alone_and_among_32_others(
    tiny_engine, together
):
    prompts = [prompt_of(1 + 9 * place, first=place) for place in range(33)]
    alone = [await tiny_engine.generate(prompt, SEEDED) for prompt in prompts[:8]]

    beside = await together(*(tiny_engine.generate(prompt, SEEDED) for prompt in prompts))

    assert [drawn(one) for one in alone] == [drawn(one) for one in beside[:8]]


async def test_train_3_logprobs_are_those_of_a_plain_forward(tiny_engine, plain_model):
    sampling = Sampling(max_tokens=40, seed=3, temperature=0.7, top_p=0.9, logprobs=True)

    completion = await tiny_engine.generate(prompt_of(90), sampling)

    wanted = plain_logprobs(plain_model, prompt_of(90), completion.token_ids)
    assert completion.logprobs == pytest.approx(wanted, abs=1e-3)


async def test_a_prompt_longer_than_a_step_is_read_in_parts(tiny_engine, plain_model):
    prompt = prompt_of(900)

    completion = await tiny_engine.generate(prompt, Sampling(max_tokens=4, seed=1, logprobs=True))

    wanted = plain_logprobs(plain_model, prompt, completion.token_ids)
    assert completion.logprobs == pytest.approx(wanted, abs=1e-3)


async def test_a_temperature_of_0_is_exact_without_a_seed(tiny_engine):
    greedy = Sampling(max_tokens=20, temperature=0)

    first, second = [await tiny_engine.generate(HELLO, greedy) for _ in range(2)]

    assert said(first) == said(second)
    assert first.exact


async def test_without_a_seed_a_completion_does_not_claim_to_be_exact(tiny_engine):
    assert not (await tiny_engine.generate(HELLO, Sampling(max_tokens=2))).exact


async def test_other_seeds_draw_other_tokens(tiny_engine):
    completions = [
        await tiny_engine.generate(HELLO, Sampling(max_tokens=20, seed=seed)) for seed in (1, 2)
    ]

    assert completions[0].token_ids != completions[1].token_ids


async def test_train_2_a_chat_in_token_ids_extends_what_was_read_and_drawn(tiny_engine):
    prompt = tuple(prompt_of(30))
    for turn in range(10):
        completion = await tiny_engine.generate(prompt, Sampling(max_tokens=9, seed=turn))
        assert completion.prompt_ids == prompt
        prompt = (*prompt, *completion.token_ids, *prompt_of(5, first=turn))


async def test_a_chat_is_rendered_by_the_template_of_the_weights(tiny_engine, tokenizer):
    chat = [*HELLO, ChatMessage("assistant", '{"say": "')]

    completion = await tiny_engine.generate(chat, Sampling(max_tokens=1, seed=1))

    assert tokenizer.decode(completion.prompt_ids) == (
        '<|system|>Be brief.<|end|><|user|>Hello<|end|><|assistant|>{"say": "'
    )
    assert completion.usage.prompt_tokens == len(completion.prompt_ids)


async def test_a_turn_ends_with_its_end_token_which_no_text_shows(own_engine, tokenizer, together):
    engine = own_engine()
    sampling = [Sampling(max_tokens=300, seed=seed) for seed in range(30)]

    completions = await together(*(engine.generate(HELLO, one) for one in sampling))

    ended = [one for one in completions if one.finish == "stop"]
    assert ended
    for completion in completions:
        at_end = completion.token_ids[-1] == tokenizer.eos_token_id
        assert at_end == (completion.finish == "stop")
        assert tokenizer.eos_token_id not in completion.token_ids[:-1]
        assert "<|end|>" not in completion.text


async def test_a_stop_text_ends_a_completion_and_is_cut_off(tiny_engine):
    whole = await tiny_engine.generate(HELLO, SEEDED)
    stop = whole.text[5:7]

    cut = await tiny_engine.generate(HELLO, Sampling(max_tokens=20, seed=7, stop=("zzzz", stop)))

    assert cut.finish == "stop"
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.token_ids == whole.token_ids[: len(cut.token_ids)]
    assert len(cut.token_ids) < 20


async def test_a_completion_that_runs_out_of_tokens_says_so(own_engine, endless_weights):
    completion = await own_engine(endless_weights).generate(HELLO, SEEDED)

    assert completion.finish == "length"
    assert len(completion.token_ids) == completion.usage.completion_tokens == 20


async def test_a_session_reads_only_what_is_new_and_draws_the_same(own_engine):
    engine = own_engine()
    prompt = prompt_of(300)
    first = await engine.generate(prompt, SEEDED, session="buyer")
    longer = [*prompt, *first.token_ids, *prompt_of(20)]

    anew = await own_engine(cache_tokens=0).generate(longer, SEEDED, session="buyer")
    reused = await engine.generate(longer, SEEDED, session="buyer")

    assert engine.statistics().cached_tokens == 256
    assert engine.statistics().prompt_tokens == 300 + len(longer)
    assert said(reused) == said(anew)
    assert (reused.usage.cached_tokens, anew.usage.cached_tokens) == (256, 0)


async def test_a_prompt_that_does_not_fit_is_refused_with_both_lengths(tiny_engine):
    with pytest.raises(
        ModelError, match="must fit 1024 tokens together, got 1010 of prompt and 20"
    ):
        await tiny_engine.generate(prompt_of(1010), SEEDED)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        (Sampling(exact=True), "an exact completion needs a seed"),
        (Sampling(max_tokens=0), "max_tokens >= 1"),
        (Sampling(temperature=-1.0), "temperature >= 0"),
        (Sampling(temperature=math.nan), "temperature >= 0"),
        (Sampling(top_p=0.0), r"top_p in \(0, 1\]"),
    ],
)
async def test_what_the_engine_cannot_draw_is_refused(tiny_engine, sampling, message):
    with pytest.raises(ModelError, match=message):
        await tiny_engine.generate(HELLO, sampling)


async def test_influence_3_probabilities_are_of_raw_logits_whatever_stands_beside_the_weights(
    tiny_weights, tmp_path, tokenizer, plain_model
):
    from simlab.models.transformers.engine import TransformersEngine

    tempered = Sampling(max_tokens=8, temperature=0.6, top_p=0.9, seed=1, logprobs=True)
    prompt = prompt_of(20)

    with TransformersEngine(str(with_draws(tmp_path, tiny_weights))) as engine:
        drawn = await engine.generate(prompt, tempered)
        greedy = await engine.generate(prompt, Sampling(max_tokens=8, temperature=0))
        scores = await engine.choice_logprobs(prompt, ["yes", "no"])

    wanted = plain_logprobs(plain_model, prompt, drawn.token_ids)
    assert drawn.logprobs == pytest.approx(wanted, abs=1e-3)
    for choice, score in scores.items():
        ids = tokenizer.encode(choice)
        wanted = math.fsum(plain_logprobs(plain_model, prompt, ids))
        assert score == pytest.approx(wanted, abs=1e-3)
    most = plain_logprobs(plain_model, prompt, greedy.token_ids)[0]
    assert most == max(plain_logprobs(plain_model, prompt, [n])[0] for n in range(256))


async def test_choice_logprobs_are_those_of_a_plain_forward(tiny_engine, tokenizer, plain_model):
    prompt = prompt_of(130)

    found = await tiny_engine.choice_logprobs(prompt, ["1", "yes", "maybe not", "7"])

    for choice, logprob in found.items():
        tokens = tokenizer.encode(choice, add_special_tokens=False)
        assert logprob == pytest.approx(sum(plain_logprobs(plain_model, prompt, tokens)), abs=1e-3)


async def test_influence_4_a_label_of_several_tokens_is_apart_from_its_beginning(
    tiny_engine, tokenizer
):
    labels = [f"{n}" for n in range(1, 11)]
    assert len(tokenizer.encode("10", add_special_tokens=False)) == 2, "cut into 1 and 0"

    alone = await tiny_engine.choice_logprobs(HELLO, ["1"])
    ten = await tiny_engine.choice_logprobs(HELLO, ["10"])
    found = await tiny_engine.choice_logprobs(HELLO, labels)

    assert found["10"] == pytest.approx(ten["10"], abs=1e-4)
    assert math.exp(found["1"]) == pytest.approx(
        math.exp(alone["1"]) - math.exp(ten["10"]), abs=1e-6
    )


async def test_choices_are_scored_while_completions_are_drawn(tiny_engine, together):
    alone = await tiny_engine.choice_logprobs(HELLO, ["yes", "no"])

    *_, beside = await together(
        *(tiny_engine.generate(HELLO, SEEDED) for _ in range(3)),
        tiny_engine.choice_logprobs(HELLO, ["yes", "no"]),
    )

    assert beside == alone


@pytest.mark.parametrize("choices", [[], ["yes", ""], ["yes", "yes"]])
async def test_choices_without_words_are_refused(tiny_engine, choices):
    with pytest.raises(ModelError, match="one text or more, none empty or twice, got"):
        await tiny_engine.choice_logprobs(HELLO, choices)


async def test_interlab_30_an_engine_leaves_all_global_generators_alone(own_engine):
    import torch

    def states():
        return random.getstate(), repr(np.random.get_state()), torch.get_rng_state().tolist()  # noqa: NPY002

    before = states()

    engine = own_engine()
    await engine.generate(HELLO, SEEDED)
    await engine.generate(HELLO, Sampling(max_tokens=3))
    await engine.choice_logprobs(HELLO, ["yes", "no"])

    assert states() == before


async def test_bfloat16_is_exact_too_where_it_says_so(own_engine, together):
    engine = own_engine(dtype="bfloat16")
    alone = await engine.generate(prompt_of(70), SEEDED)

    *_, beside = await together(
        *(engine.generate(prompt_of(50 + place), SEEDED) for place in range(7)),
        engine.generate(prompt_of(70), SEEDED),
    )

    assert not alone.exact or drawn(alone) == drawn(beside)


async def test_the_embedded_model_knows_the_capital_of_france(embedded_engine):
    chat = [
        ChatMessage("user", "What is the capital of France? Answer in one word."),
        ChatMessage("assistant", "The capital of France is"),
    ]

    completion = await embedded_engine.generate(chat, Sampling(max_tokens=5, temperature=0))

    assert completion.text.startswith(" Paris")
    logprobs = await embedded_engine.choice_logprobs(chat, [" Paris", " London", " New York"])
    assert max(logprobs, key=logprobs.get) == " Paris"


async def test_train_9_the_embedded_model_draws_8_of_8_rows_as_if_each_were_alone(
    embedded_engine, together
):
    chats = [[ChatMessage("user", f"Say {n} words" + " please" * n)] for n in range(1, 9)]
    sampling = Sampling(max_tokens=6, seed=11, exact=True)
    alone = [await embedded_engine.generate(chat, sampling) for chat in chats]

    beside = await together(*(embedded_engine.generate(chat, sampling) for chat in chats))

    assert [one.token_ids for one in alone] == [one.token_ids for one in beside]
    assert all(completion.exact for completion in beside)


async def test_train_3_logprobs_of_the_embedded_model_are_those_of_a_plain_forward(embedded_engine):
    from transformers import AutoModelForCausalLM

    from simlab.models.weights import resolve

    sampling = Sampling(max_tokens=20, seed=3, logprobs=True)
    completion = await embedded_engine.generate(HELLO, sampling)

    plain = AutoModelForCausalLM.from_pretrained(resolve("embedded"), attn_implementation="eager")
    wanted = plain_logprobs(plain.eval(), completion.prompt_ids, completion.token_ids)
    assert completion.logprobs == pytest.approx(wanted, abs=1e-3)


async def test_usage_tells_what_a_completion_cost(own_engine):
    engine = own_engine()
    first = await engine.generate(prompt_of(200), SEEDED)

    second = await engine.generate(prompt_of(200), SEEDED)

    assert (first.usage.prompt_tokens, first.usage.cached_tokens) == (200, 0)
    assert (second.usage.prompt_tokens, second.usage.cached_tokens) == (200, 192)
    assert first.usage.completion_tokens == len(first.token_ids)
    assert first.usage.model_s > 0
    assert first.usage.attempts == 1


async def test_usage_tells_what_scores_cost(own_engine):
    engine = own_engine()
    await engine.choice_logprobs(prompt_of(200), ["yes", "no"])

    scores = await engine.choice_logprobs(prompt_of(200), ["yes", "no"])

    assert (scores.usage.prompt_tokens, scores.usage.cached_tokens) == (200, 192)
    assert scores.usage.model_s > 0


async def test_the_time_that_a_request_waits_is_none_of_its_own(own_engine, together):
    engine = own_engine(max_batch=1)
    begun_s = time.perf_counter()

    completions = await together(*(engine.generate(HELLO, SEEDED) for _ in range(8)))

    passed_s = time.perf_counter() - begun_s
    assert sum(completion.usage.model_s for completion in completions) <= passed_s


async def test_tools_are_told_to_the_model_and_its_calls_are_read(
    tiny_engine, tokenizer, monkeypatch
):
    words = '{"name": "weather", "parameters": {"city": "Rome"}}'
    monkeypatch.setattr(Renderer, "continuation", lambda *_: words)

    offered = await tiny_engine.generate(CHAT, Sampling(max_tokens=2, tools=(WEATHER,)))
    alone = await tiny_engine.generate(CHAT, Sampling(max_tokens=2))

    assert (offered.text, offered.calls) == ("", (replace(CALLS[0], id=""),))
    assert (alone.text, alone.calls) == (words, ())
    assert "You can use these tools:\n- weather" in tokenizer.decode(offered.prompt_ids)
    assert "weather" not in tokenizer.decode(alone.prompt_ids)
