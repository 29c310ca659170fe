"""Token ids in, token ids out, at a server such as vLLM."""

import math
from dataclasses import replace

import httpx2
import pytest

from simlab.errors import ModelError
from simlab.models.model import ChatMessage, Sampling, spent_on
from tests.models.http.fake_vllm import END, logprob_of
from tests.models.tool_templates import CALLS, WEATHER

CHAT = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]
RENDERED = "<system>Be brief.<user>Hello<assistant>"


def ids_of(text):
    return [ord(character) for character in text]


@pytest.fixture
def vllm(make_endpoint, fake_vllm):
    return make_endpoint(fake_vllm, server="vllm")


async def test_train_2_ids_are_read_as_they_are_sent(vllm, fake_vllm):
    completion = await vllm.generate([5, 6, 7], Sampling(seed=1), model="small")

    assert completion.prompt_ids == (5, 6, 7)
    assert fake_vllm.paths() == ["/v1/completions"]


async def test_train_2_each_turn_goes_on_from_the_ids_of_the_one_before(vllm):
    ids, before = ids_of(RENDERED), []
    for turn in range(10):
        completion = await vllm.generate(ids, Sampling(seed=turn), model="small")
        assert list(completion.prompt_ids[: len(before)]) == before
        before = [*completion.prompt_ids, *completion.token_ids]
        ids = [*before, *ids_of(f"<user>turn {turn}<assistant>")]


async def test_a_chat_is_rendered_by_the_server_and_sent_as_ids(vllm, fake_vllm):
    completion = await vllm.generate(CHAT, Sampling(seed=1), model="small")

    assert list(completion.prompt_ids) == ids_of(RENDERED)
    assert fake_vllm.paths() == ["/tokenize", "/v1/completions"]
    assert fake_vllm.asked[1][1]["prompt"] == ids_of(RENDERED)


async def test_a_begun_reply_is_gone_on_with(vllm):
    begun = [*CHAT, ChatMessage("assistant", '{"price": ')]

    completion = await vllm.generate(begun, Sampling(seed=1), model="small")

    assert list(completion.prompt_ids) == ids_of(RENDERED + '{"price": ')


async def test_tools_are_told_in_words_and_calls_are_read_from_words(make_endpoint, fake_vllm):
    words = '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>'

    def handle(request):
        answer = fake_vllm(request)
        if request.url.path != "/v1/completions":
            return answer
        given = answer.json()
        given["choices"][0]["text"] = words
        return httpx2.Response(200, json=given)

    vllm = make_endpoint(handle, server="vllm")

    offered = await vllm.generate(CHAT, Sampling(seed=1, tools=(WEATHER,)), model="small")
    alone = await vllm.generate(CHAT, Sampling(seed=1), model="small")

    assert (offered.text, offered.calls) == ("", (replace(CALLS[0], id=""),))
    assert (alone.text, alone.calls) == (words, ())
    assert "- weather: Says" in "".join(map(chr, offered.prompt_ids))


async def test_ids_and_logprobs_of_all_that_was_drawn_come_back(vllm):
    completion = await vllm.generate([5, 6], Sampling(seed=1, logprobs=True), model="small")

    assert completion.token_ids[-1] == END
    assert completion.text == "".join(map(chr, completion.token_ids[:-1]))
    assert completion.logprobs == tuple(logprob_of([5, 6], t) for t in completion.token_ids)
    assert completion.finish == "stop"
    assert completion.usage.completion_tokens == len(completion.token_ids)
    assert completion.usage.cached_tokens == 2


async def test_a_completion_that_is_cut_off_says_so(vllm):
    completion = await vllm.generate([5], Sampling(max_tokens=2, seed=1), model="small")

    assert (completion.finish, len(completion.token_ids)) == ("length", 2)


async def test_vllm_is_told_to_draw_as_it_is_asked_and_by_no_settings_of_its_own(vllm, fake_vllm):
    await vllm.generate([5], Sampling(seed=3, top_p=0.5, stop=("x",), logprobs=True), model="small")

    [(_, asked)] = fake_vllm.asked
    assert asked == {
        "model": "small",
        "prompt": [5],
        "max_tokens": 128,
        "temperature": 1.0,
        "top_p": 0.5,
        "stop": ["x"],
        "seed": 3,
        "logprobs": 1,
        "return_token_ids": True,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
    }


async def test_a_server_that_gives_no_ids_is_not_taken_for_vllm(vllm, fake_vllm):
    fake_vllm.missing |= {"token_ids", "prompt_token_ids"}

    with pytest.raises(ModelError, match=r"gives no token ids, .* leave out server: vllm if"):
        await vllm.generate([5], Sampling(), model="small")


async def test_train_2_a_server_that_reads_other_ids_is_found_out(make_endpoint, fake_vllm):
    def truncating(request):
        reply = fake_vllm(request).json()
        reply["choices"][0]["prompt_token_ids"] = [7]
        return httpx2.Response(200, json=reply)

    with pytest.raises(ModelError, match="other token ids than it was sent: 2 became 1"):
        await make_endpoint(truncating, server="vllm").generate([5, 7], Sampling(), model="small")


async def test_with_a_tokenizer_chats_are_rendered_here_for_any_server(
    make_endpoint, fake_vllm, monkeypatch
):
    class Rendered:
        def prompt_ids(self, prompt, _tools):
            return [len(prompt), 9]

    monkeypatch.setattr("simlab.models.http.rendering._load_renderer", lambda _name: Rendered())
    fake_vllm.missing |= {"token_ids", "prompt_token_ids"}
    endpoint = make_endpoint(fake_vllm, tokenizer="folder", limit="max_completion_tokens")

    completion = await endpoint.generate(CHAT, Sampling(seed=1), model="small")

    [(path, asked)] = fake_vllm.asked
    assert (path, asked["prompt"], asked["max_tokens"]) == ("/v1/completions", [2, 9], 128)
    assert "top_k" not in asked
    assert (completion.prompt_ids, completion.token_ids) == ((2, 9), ())
    assert completion.text


async def test_influence_choices_are_scored_exactly_as_sequences(vllm):
    logprobs = await vllm.choice_logprobs([5, 6], ["yes", "yet", "no"])

    assert logprobs["no"] == pytest.approx(logprob_of([5, 6], 110) + logprob_of([5, 6, 110], 111))
    assert list(logprobs) == ["yes", "yet", "no"]
    assert math.fsum(map(math.exp, logprobs.values())) < 1


async def test_scores_say_what_it_took_to_find_them(make_endpoint, fake_vllm):
    vllm = make_endpoint(fake_vllm, server="vllm", dollars_per_million_in=1.0)

    scored = await vllm.choice_logprobs([5, 6, 7], ["yes", "no"])

    usage = scored.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (3, 4, 2)
    assert usage.attempts == 1
    assert usage.dollars == pytest.approx((3 + 4 + 5 + 4) / 1e6), "of each request"


async def test_what_a_server_does_not_give_is_paid_for_all_the_same(vllm, fake_vllm):
    fake_vllm.missing |= {"token_ids", "logprobs"}

    for ask in (
        vllm.generate([5, 6, 7], Sampling(), model="small"),
        vllm.choice_logprobs([5, 6, 7], ["y"]),
    ):
        with pytest.raises(ModelError) as caught:
            await ask
        assert spent_on(caught.value).prompt_tokens == 3


async def test_choices_that_begin_alike_are_scored_once_where_they_do(vllm, fake_vllm):
    await vllm.choice_logprobs([5], ["yes", "yet"])

    asked = [asked for path, asked in fake_vllm.asked if path == "/v1/completions"]
    scored = [(a["prompt"][1:], a["logprob_token_ids"]) for a in asked]
    assert scored == [
        ([], ids_of("y")),
        (ids_of("y"), ids_of("e")),
        (ids_of("ye"), ids_of("st")),
    ]
    assert {a["max_tokens"] for a in asked} == {1}


async def test_many_next_tokens_are_scored_in_several_requests(vllm, fake_vllm):
    letters = [chr(300 + n) for n in range(200)]

    logprobs = await vllm.choice_logprobs([5], letters)

    asked = [asked for path, asked in fake_vllm.asked if path == "/v1/completions"]
    assert [len(a["logprob_token_ids"]) for a in asked] == [128, 72]
    assert logprobs == {letter: logprob_of([5], ord(letter)) for letter in letters}


async def test_a_server_that_scores_nothing_is_found_out(vllm, fake_vllm):
    fake_vllm.missing.add("logprobs")

    with pytest.raises(
        ModelError, match="does not score the tokens it was asked for; this needs v"
    ):
        await vllm.choice_logprobs([5], ["yes"])


@pytest.mark.parametrize("choices", [[], [""], ["yes", "yes"]])
async def test_choices_that_cannot_be_scored_are_refused(vllm, choices):
    with pytest.raises(ModelError, match="choices must be one text or more, none empty or twice"):
        await vllm.choice_logprobs([5], choices)
