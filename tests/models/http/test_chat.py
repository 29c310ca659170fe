"""Hosted endpoints: chats in, words out."""

import json
from dataclasses import replace

import httpx2
import pytest

from simlab.errors import ModelError
from simlab.models.model import ChatMessage, Sampling, spent_on
from simlab.models.tool_call import ToolCall
from tests.models.tool_templates import CALLED, CALLS, WEATHER

CHAT = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]


def reply(content="Hi.", *, finish="stop", message=None, **choice):
    message = message or {"role": "assistant", "content": content}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    choices = [{"index": 0, "message": message, "finish_reason": finish, **choice}]
    return {"id": "x", "choices": choices, "usage": usage}


@pytest.fixture
def hosted(make_endpoint):
    """Asks a hosted endpoint that gives one reply; returns what was asked, and the completion."""

    async def ask(given, sampling=Sampling(), prompt=CHAT, **options):
        asked = []

        def handle(request):
            asked.append((str(request.url), json.loads(request.content)))
            return httpx2.Response(200, json=given)

        endpoint = make_endpoint(handle, model="gpt", **options)
        return await endpoint.generate(prompt, sampling, model="small"), asked

    return ask


async def test_a_chat_is_sent_with_all_that_says_how_to_draw(hosted):
    sampling = Sampling(max_tokens=7, temperature=0.5, top_p=0.9, stop=("\n",), seed=3)

    _, [(url, asked)] = await hosted(reply(), sampling)

    assert url == "http://127.0.0.1:8000/v1/chat/completions"
    assert asked == {
        "model": "gpt",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
        ],
        "max_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["\n"],
        "seed": 3,
    }


async def test_tools_and_what_was_called_are_sent_in_the_endpoints_own_form(hosted):
    unread = ToolCall("", "Rome?", "call00003")
    chat = [*CALLED, ChatMessage("assistant", "Hm.", calls=(unread,))]
    chat.append(ChatMessage("tool", "Error: what?", calls=(unread,)))

    _, [(_, asked)] = await hosted(reply(), Sampling(tools=(WEATHER,)), chat)

    called = [
        {"id": key, "type": "function", "function": {"name": name, "arguments": arguments}}
        for key, name, arguments in [
            ("call00001", "weather", '{"city": "Rome"}'),
            ("call00002", "weather", '{"city": "Oslo"}'),
            ("call00003", "unreadable", "Rome?"),
        ]
    ]
    assert asked["tools"] == [WEATHER.as_function()]
    assert asked["messages"][2:] == [
        {"role": "assistant", "content": "", "tool_calls": called[:2]},
        {"role": "tool", "content": "21", "tool_call_id": "call00001"},
        {"role": "tool", "content": "4", "tool_call_id": "call00002"},
        {"role": "assistant", "content": "Hm.", "tool_calls": called[2:]},
        {"role": "tool", "content": "Error: what?", "tool_call_id": "call00003"},
    ]


async def test_calls_of_an_endpoint_keep_its_ids(hosted):
    function = {"name": "weather", "arguments": '{"city":"Rome"}'}
    message = {
        "content": None,
        "tool_calls": [{"id": "call_x7", "type": "function", "function": function}],
    }
    schema = {"type": "object"}

    completion, _ = await hosted(
        reply(message=message, finish="tool_calls"), Sampling(tools=(WEATHER,), schema=schema)
    )

    assert completion.calls == (ToolCall("weather", '{"city":"Rome"}', "call_x7"),)
    assert (completion.text, completion.finish) == ("", "stop")


async def test_calls_that_an_endpoint_leaves_in_the_words_are_read_from_there(hosted):
    words = 'Hm. <tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>'

    offered, [(_, asked)] = await hosted(reply(words), Sampling(tools=(WEATHER,)))
    alone, [(_, other)] = await hosted(reply(words))

    assert (offered.text, offered.calls) == ("Hm.", (replace(CALLS[0], id=""),))
    assert (alone.text, alone.calls) == (words, ())
    assert asked.keys() - other.keys() == {"tools"}


async def test_an_endpoint_may_name_its_limit_otherwise_and_know_no_seeds(hosted):
    _, [(_, asked)] = await hosted(
        reply(), Sampling(max_tokens=7, seed=3), limit="max_completion_tokens", seeds=False
    )

    assert asked["max_completion_tokens"] == 7
    assert not {"max_tokens", "seed"} & set(asked)


async def test_a_completion_has_words_and_what_they_cost_and_no_ids(hosted):
    completion, _ = await hosted(reply("Hi there."))

    assert (completion.text, completion.finish, completion.model) == ("Hi there.", "stop", "small")
    assert (completion.prompt_ids, completion.token_ids, completion.exact) == ((), (), False)
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (9, 3, 0)
    assert (usage.attempts, usage.dollars) == (1, 0.0)


async def test_cached_tokens_are_told_where_the_endpoint_tells_them(hosted):
    given = reply()
    given["usage"]["prompt_tokens_details"] = {"cached_tokens": 8, "audio_tokens": None}

    completion, _ = await hosted(given)

    assert completion.usage.cached_tokens == 8


async def test_a_completion_costs_what_its_tokens_do(hosted):
    completion, _ = await hosted(reply(), dollars_per_million_in=2.0, dollars_per_million_out=10.0)

    assert completion.usage.dollars == pytest.approx((9 * 2 + 3 * 10) / 1e6)


@pytest.mark.parametrize(
    ("given", "text", "finish"),
    [
        (reply("Hi", finish="length"), "Hi", "length"),
        (reply("Hi", finish="content_filter"), "Hi", "abort"),
        (reply("Hi", finish=None), "Hi", "abort"),
        (reply(message={"content": None}, finish="length"), "", "length"),
        (reply(message={"content": None, "refusal": "No."}), "No.", "stop"),
    ],
)
async def test_what_ended_a_reply_and_what_is_left_of_it(hosted, given, text, finish):
    completion, _ = await hosted(given)

    assert (completion.text, completion.finish) == (text, finish)


async def test_logprobs_are_those_of_the_tokens_drawn(hosted):
    content = [{"token": "H", "logprob": -0.5}, {"token": "i", "logprob": -1}]

    completion, [(_, asked)] = await hosted(
        reply(logprobs={"content": content}), Sampling(logprobs=True)
    )

    assert asked["logprobs"] is True
    assert completion.logprobs == (-0.5, -1.0)


async def test_logprobs_that_were_asked_for_and_do_not_come_are_not_passed_over(hosted):
    with pytest.raises(ModelError, match="gives no logprobs, which were asked for; leave out"):
        await hosted(reply(), Sampling(logprobs=True))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"choices": [], "usage": {"prompt_tokens": 1}}, "another form .*: it has no choices; see"),
        ({"choices": [{"message": {}}]}, "without usage, by which tokens and money .* put a proxy"),
        (
            {"error": "x"},
            r"another form .* field `choices`; it begins with '\{\"error\": ?\"x\"\}'",
        ),
        ([], "Expected `object`, got `array`"),
        (
            reply(message={"content": ["parts"]}),
            r"got `array` - at `\$.message.content`; see wheth",
        ),
    ],
)
async def test_a_reply_of_another_shape_is_told_at_once_with_the_place(hosted, given, said):
    with pytest.raises(ModelError, match=said) as caught:
        await hosted(given)

    assert spent_on(caught.value).attempts == 1, "each try may cost"


async def test_a_reply_that_does_not_fit_is_paid_for_all_the_same(make_endpoint):
    odd = reply(message={"content": ["parts"]})
    prices = {"dollars_per_million_in": 1.0, "dollars_per_million_out": 2.0}
    usage = odd["usage"]

    for given, sampling in ((odd, Sampling()), (reply(), Sampling(logprobs=True))):
        endpoint = make_endpoint(lambda _, given=given: httpx2.Response(200, json=given), **prices)
        with pytest.raises(ModelError) as caught:
            await endpoint.generate(CHAT, sampling, model="large")

        spent = spent_on(caught.value)
        assert spent.prompt_tokens == usage["prompt_tokens"] > 0
        assert spent.completion_tokens == usage["completion_tokens"] > 0
        assert spent.dollars > 0


async def test_a_begun_reply_is_refused_with_what_to_do(hosted):
    with pytest.raises(
        ModelError, match=r"cannot go on from a begun reply, got '\{'; set begin: f"
    ):
        await hosted(reply(), prompt=[*CHAT, ChatMessage("assistant", "{")])


@pytest.mark.parametrize("prompt", [[1, 2, 3], [], [*CHAT, 5]])
async def test_what_is_no_chat_is_refused_with_what_to_do(hosted, prompt):
    with pytest.raises(ModelError, match=r"takes a chat, got .* set server: vllm, or give a token"):
        await hosted(reply(), prompt=prompt)
