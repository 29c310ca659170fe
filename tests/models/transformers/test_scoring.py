"""Choices are scored in the batch, side by side with other ratings and with completions."""

import asyncio
import threading

import pytest

from simlab.errors import ModelError
from simlab.models.model import Sampling
from tests.models.transformers.plain import plain_logprobs
from tests.models.transformers.requests import HELLO, SEEDED, drawn, prompt_of

pytestmark = pytest.mark.model

STEP_TOKENS = 512


@pytest.fixture(scope="module")
def weights(tiny_weights):
    import torch

    from simlab.models.transformers.loading import load_weights

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_weights(tiny_weights, dtype="float32", device="cpu")
    torch.set_num_threads(threads)


@pytest.fixture
def passes(monkeypatch):
    """The parts of each pass that any network computed."""
    from simlab.models.transformers.network import Network

    logits, seen = Network.logits, []

    def watched(network, parts):
        seen.append(list(parts))
        return logits(network, parts)

    monkeypatch.setattr(Network, "logits", watched)
    return seen


@pytest.fixture
def decoder(weights, passes):
    from simlab.models.render import Renderer
    from simlab.models.transformers.decode import Decoder
    from simlab.models.transformers.network import Network

    network = Network(weights.model)
    passes.clear()  # those that tried the machine
    return Decoder(
        network, Renderer(weights.tokenizer), ends=(), max_tokens=1024, cache_tokens=2048
    )


def rating(decoder, prompt, choices=("1", "2")):
    from simlab.models.transformers.scoring import ScoreRequest

    return decoder.admit(ScoreRequest(prompt, choices))


def completion(decoder, prompt):
    from simlab.models.transformers.drawing import DecodeRequest

    return decoder.admit(DecodeRequest(prompt, Sampling(max_tokens=100, seed=1)))


def run(decoder, rows):
    """Step the rows until all have ended."""
    while rows := [row for row in rows if not row.has_ended]:
        decoder.step(rows)


def widths(passes):
    """How many tokens each part of each pass had."""
    return [[len(part.ids) for part in parts] for parts in passes]


def test_ratings_are_read_in_one_pass_and_their_tails_in_another(decoder, passes):
    ratings = [rating(decoder, prompt_of(60, first=n), ["yes", "ok", "1"]) for n in range(8)]

    run(decoder, ratings)

    assert widths(passes) == [[60] * 8, [2, 1] * 8]


def test_choices_that_begin_alike_share_what_is_read(decoder, passes):
    run(decoder, [rating(decoder, prompt_of(20), ["1", "10", "100", "1000", "2", "20"])])

    assert widths(passes) == [[20], [3, 1]]


def test_choices_of_one_token_need_no_second_pass(decoder, passes):
    run(decoder, [rating(decoder, prompt_of(20), ["1", "2", "3"])])

    assert widths(passes) == [[20]]


def test_a_completion_goes_on_in_every_pass_beside_ratings(decoder, passes):
    ratings = [rating(decoder, prompt_of(600, first=n), ["yes", "no"]) for n in range(4)]
    beside = completion(decoder, prompt_of(40))
    decoder.step([beside])

    while ratings := [row for row in ratings if not row.has_ended]:
        decoder.step([*ratings, beside])

    assert len(beside.token_ids) == len(passes) == 8


def test_ratings_keep_to_the_tokens_of_a_step(decoder, passes):
    choices = [chr(65 + place) * 70 for place in range(8)]

    run(decoder, [rating(decoder, prompt_of(300, first=n), choices) for n in range(2)])

    totals = [sum(tokens) for tokens in widths(passes)]
    assert max(totals) <= STEP_TOKENS
    assert sum(totals) == 2 * (300 + 8 * 69)


def test_what_a_step_has_no_room_for_finds_what_was_read_meanwhile(decoder):
    rubric = prompt_of(300)
    first, second = (rating(decoder, [*rubric, *prompt_of(150, first=n)]) for n in (7, 8))

    decoder.step([first, second])
    assert not second.has_begun
    run(decoder, [first, second])

    assert first.answer().usage.cached_tokens == 0
    assert second.answer().usage.cached_tokens == decoder.cached_tokens == 256
    assert decoder.prompt_tokens == 900


def test_a_prompt_is_kept_as_soon_as_it_is_read(decoder):
    reader = completion(decoder, prompt_of(200))
    decoder.step([reader])
    assert not reader.has_ended

    rater = rating(decoder, prompt_of(200))
    run(decoder, [rater])

    assert rater.answer().usage.cached_tokens == 192


async def test_a_score_is_the_same_alone_and_in_company(own_engine, together):
    choices = ["1", "10", "100", "yes", "yet", "maybe not"]
    prompts = [prompt_of(30 + 40 * place, first=place) for place in range(12)]
    engine = own_engine(cache_tokens=0)
    alone = [await engine.choice_logprobs(prompt, choices) for prompt in prompts]

    beside = await together(
        *(engine.choice_logprobs(prompt, choices) for prompt in prompts),
        *(engine.generate(prompt, SEEDED) for prompt in prompts),
    )

    for one, other in zip(alone, beside[: len(alone)], strict=True):
        assert other == pytest.approx(one, abs=1e-5)


async def test_ratings_change_no_completion(own_engine, together):
    engine = own_engine()
    alone = await engine.generate(prompt_of(100), SEEDED)

    beside, *_ = await together(
        engine.generate(prompt_of(100), SEEDED),
        *(engine.choice_logprobs(prompt_of(150, first=n), ["yes", "no"]) for n in range(8)),
    )

    assert drawn(beside) == drawn(alone)


def test_a_choice_longer_than_a_step_is_scored_in_parts(decoder, plain_model, tokenizer):
    choice = "a" * 300 + "b" * 250
    row = rating(decoder, prompt_of(100), [choice])

    run(decoder, [row])

    tokens = tokenizer.encode(choice, add_special_tokens=False)
    wanted = sum(plain_logprobs(plain_model, prompt_of(100), tokens))
    assert row.answer()[choice] == pytest.approx(wanted, abs=1e-2)


async def test_a_rating_that_is_cancelled_frees_its_row(own_engine, monkeypatch):
    from simlab.models.transformers.network import Network

    engine = own_engine(max_batch=1)
    logits, entered, go_on = Network.logits, threading.Event(), threading.Event()

    def held(network, parts):
        entered.set()
        assert go_on.wait(60)
        return logits(network, parts)

    monkeypatch.setattr(Network, "logits", held)
    task = asyncio.create_task(engine.choice_logprobs(prompt_of(900), ["yes", "no"]))
    await asyncio.to_thread(entered.wait, 60)
    assert engine.statistics().running == 1

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    go_on.set()
    after = await engine.generate(HELLO, Sampling(max_tokens=2, seed=1))

    assert task.cancelled()
    assert len(after.token_ids) == 2
    assert engine.statistics().prompt_tokens == 900 + len(after.prompt_ids)


async def test_logits_that_are_not_numbers_fail_the_scores(own_engine, monkeypatch):
    import torch

    from simlab.models.transformers.network import Network

    engine = own_engine()
    monkeypatch.setattr(
        Network, "logits", lambda _, parts: [torch.full((1, 256), torch.nan) for _ in parts]
    )

    with pytest.raises(ModelError, match="are not numbers"):
        await engine.choice_logprobs(HELLO, ["yes", "no"])


async def test_a_rating_that_cannot_be_read_fails_alone(tiny_engine, together):
    *scores, error = await together(
        *(tiny_engine.choice_logprobs(HELLO, ["yes", "no"]) for _ in range(3)),
        refused(tiny_engine.choice_logprobs([5, 99_999], ["yes"])),
    )

    assert scores[0] == scores[1] == scores[2]
    assert "got 99999" in str(error)


async def refused(call):
    with pytest.raises(ModelError) as raised:
        await call
    return raised.value


def test_the_time_that_a_rating_waits_for_room_is_none_of_its_own(decoder, monkeypatch):
    from simlab.models.transformers import row

    now_s = iter(range(100))
    monkeypatch.setattr(row.time, "perf_counter", lambda: next(now_s))
    first, second = (rating(decoder, prompt_of(512, first=n)) for n in (1, 2))

    decoder.step([first, second])
    took_s = first.answer().usage.model_s
    decoder.step([second])

    assert (took_s, second.answer().usage.model_s) == (1, 1)
