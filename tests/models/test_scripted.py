import asyncio
import json
import math
import pickle
from dataclasses import replace

import pytest

from simlab.errors import ConfigError, ModelError
from simlab.models.model import ChatMessage, Sampling
from simlab.models.scripted import ScriptedModel
from tests.models.tool_templates import CALLS, WEATHER

HELLO = [ChatMessage("user", "hello")]


def shout(prompt, sampling):
    return f"{prompt[-1].text.upper()} {sampling.seed}"


def name_itself(_prompt, _sampling, model):
    return model


def say_yes(_prompt, _sampling):
    return " yes\n"


async def test_a_script_answers_the_prompt_it_was_given():
    completion = await ScriptedModel("small", shout).generate(HELLO, Sampling(seed=3))

    assert completion.text == "HELLO 3"
    assert completion.model == "small"
    assert completion.exact
    assert completion.usage.prompt_tokens > 0
    assert completion.usage.completion_tokens > 0


def ask_for_weather(_prompt, _sampling):
    return 'I look. <tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>'


async def test_a_script_calls_the_tools_that_it_is_offered():
    model = ScriptedModel("small", ask_for_weather)

    offered = await model.generate(HELLO, Sampling(tools=(WEATHER,)))
    alone = await model.generate(HELLO)

    assert (offered.text, offered.calls) == ("I look.", (replace(CALLS[0], id=""),))
    assert (alone.text, alone.calls) == (ask_for_weather(HELLO, None), ())


async def test_a_script_may_be_named_by_module_and_function():
    model = ScriptedModel("small", f"{__name__}:shout")

    assert (await model.generate(HELLO, Sampling(seed=1))).text == "HELLO 1"


def test_a_scripted_model_survives_pickling():
    model = ScriptedModel("small", shout, latency_s=0.5, fail_rate=0.1)

    assert pickle.loads(pickle.dumps(model)) == model


async def test_a_script_that_takes_the_model_sees_its_adapter():
    model = ScriptedModel("small", name_itself).with_adapter("/runs/3/agent@7")

    completion = await model.generate(HELLO)

    assert completion.text == completion.model == model.name == "small+agent@7"
    assert model.with_adapter("/elsewhere/judge@1").name == "small+judge@1"
    assert model.with_adapter(None).name == "small"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("nowhere", "expected module:name or file.py:name, got 'nowhere'"),
        ("no_such.module:f", "there is no module 'no_such'"),
        (f"{__name__}:shaut", "has no 'shaut'; did you mean shout"),
        (f"{__name__}:HELLO", "must be a function, got"),
    ],
)
def test_a_script_that_does_not_exist_is_refused_when_the_model_is_made(script, message):
    with pytest.raises(ConfigError, match=message):
        ScriptedModel("small", script)


async def test_a_script_may_stand_in_a_file_of_the_users_own(own_file):
    file = own_file("def whisper(prompt, sampling):\n    return prompt[-1].text + '...'\n")

    completion = await ScriptedModel("small", f"{file}:whisper").generate(HELLO)

    assert completion.text == "hello..."


async def test_a_reply_ends_before_the_first_stop_text():
    model = ScriptedModel("small", lambda *_: 'ten"} and "more')

    completion = await model.generate(HELLO, Sampling(stop=("and", '"')))

    assert (completion.text, completion.finish) == ("ten", "stop")


async def test_a_reply_that_is_too_long_is_cut_and_says_so():
    model = ScriptedModel("small", lambda *_: "word " * 100)

    completion = await model.generate(HELLO, Sampling(max_tokens=5))

    assert completion.finish == "length"
    assert len(completion.text) == 20


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        (Sampling(schema={"type": "object"}), "cannot hold a completion to a schema; ask without"),
        (Sampling(logprobs=True), "draws no tokens, .*; leave out logprobs"),
    ],
)
async def test_what_no_script_can_hold_is_refused_rather_than_ignored(sampling, words):
    with pytest.raises(ModelError, match=f"scripted model 'small' {words}"):
        await ScriptedModel("small", shout).generate(HELLO, sampling)


async def test_what_fails_follows_from_the_seed():
    model = ScriptedModel("small", shout, fail_rate=0.3)

    async def failed():
        outcomes = [model.generate(HELLO, Sampling(seed=seed)) for seed in range(200)]
        results = await asyncio.gather(*outcomes, return_exceptions=True)
        return [isinstance(result, ModelError) for result in results]

    first = await failed()

    assert first == await failed()
    assert 30 < sum(first) < 90


async def test_latency_and_its_jitter_follow_from_the_seed(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("simlab.models.scripted.asyncio.sleep", sleep)
    model = ScriptedModel("small", shout, latency_s=0.02, latency_jitter_s=0.01)

    for seed in (1, 2, 1):
        await model.generate(HELLO, Sampling(seed=seed))

    assert slept[0] == slept[2] != slept[1]
    assert all(0.02 <= seconds < 0.03 for seconds in slept)


async def test_every_call_adds_one_line_to_the_calls_log(tmp_path):
    log = tmp_path / "calls.jsonl"
    model = ScriptedModel("small", shout, calls_log=str(log))
    other = ScriptedModel("large", shout, calls_log=str(log), fail_rate=1.0)

    await model.generate(HELLO, Sampling(seed=5))
    await model.choice_logprobs(HELLO, ["yes", "no"])
    with pytest.raises(ModelError):
        await other.generate(HELLO, Sampling(seed=6))

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["model"], line["call"]) for line in lines] == [
        ("small", "generate"),
        ("small", "choice_logprobs"),
        ("large", "generate"),
    ]
    assert (lines[0]["seed"], lines[2]["seed"]) == (5, 6)
    assert lines[0]["prompt"] == lines[1]["prompt"]


async def test_the_choice_that_the_script_answers_with_is_the_likeliest():
    logprobs = await ScriptedModel("small", say_yes).choice_logprobs(HELLO, ["no", "yes", "maybe"])

    assert math.exp(logprobs["yes"]) == pytest.approx(0.9)
    assert math.fsum(map(math.exp, logprobs.values())) == pytest.approx(1)


async def test_choices_that_the_script_does_not_answer_with_share_all_probability():
    model = ScriptedModel("small", shout)

    one = await model.choice_logprobs(HELLO, ["1", "2"])
    other = await model.choice_logprobs([ChatMessage("user", "bye")], ["1", "2"])

    assert math.fsum(map(math.exp, one.values())) == pytest.approx(1)
    assert one == await model.choice_logprobs(HELLO, ["1", "2"])
    assert one != other


async def test_a_single_choice_that_the_script_answers_with_is_certain():
    assert await ScriptedModel("small", say_yes).choice_logprobs(HELLO, ["yes"]) == {"yes": 0.0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latency_s": -1.0}, "^latency_s must be at least 0 and finite, got -1.0$"),
        ({"latency_s": math.nan}, "^latency_s must be at least 0 and finite, got nan$"),
        ({"latency_jitter_s": math.inf}, "^latency_jitter_s must be .* and finite, got inf$"),
        ({"fail_rate": 1.5}, r"fail_rate must be in \[0, 1\], got 1.5"),
    ],
)
def test_an_option_out_of_range_is_refused_with_its_value(options, message):
    with pytest.raises(ValueError, match=message):
        ScriptedModel("small", shout, **options)
