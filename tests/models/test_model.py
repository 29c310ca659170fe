import math

import pytest

from simlab.models.model import ChatMessage, Completion, Sampling, as_sampling
from simlab.models.tool_call import ToolSpec
from simlab.trace.plain import plain


def test_a_sampling_may_be_given_by_its_fields():
    assert as_sampling({"max_tokens": 4, "stop": ["."]}) == Sampling(max_tokens=4, stop=(".",))


def test_a_sampling_that_is_one_already_stays_the_same():
    sampling = Sampling(temperature=0, seed=7, schema={"type": "object"}, logprobs=True)

    assert as_sampling(sampling) == sampling


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Sampling(temperature=math.nan), "sampling.temperature: .* finite number, got nan"),
        ({"top_p": 0}, "sampling.top_p: input should be greater than 0, got 0"),
        ({"stop": "abc"}, "sampling.stop: input should be a list, got 'abc'"),
        ({"stops": []}, r"unknown key 'sampling.stops'; did you mean stop"),
        ({"max_tokens": 0, "top_p": 2}, "sampling.max_tokens: .*; sampling.top_p: .*, got 2"),
        ({"max_tokens": True}, "sampling.max_tokens: input should be a valid integer, got True"),
        ({"temperature": "0.5"}, "sampling.temperature: input should be a valid number, got '0.5'"),
        ({"exact": "no"}, "sampling.exact: input should be a valid boolean, got 'no'"),
        ({"logprobs": 1}, "sampling.logprobs: input should be a valid boolean, got 1"),
        ({"seed": 3.0}, "sampling.seed: input should be a valid integer, got 3.0"),
        ("greedy", "sampling: input should be .*, got 'greedy'"),
    ],
)
def test_a_sampling_that_cannot_be_drawn_by_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        as_sampling(given)


def test_a_sampling_without_tools_is_recorded_as_before_there_were_any():
    tool = ToolSpec("look", "Look it up.", {"type": "object"})

    assert plain(Sampling(max_tokens=4)) == {
        "_type": "Sampling",
        "max_tokens": 4,
        "temperature": 1.0,
        "top_p": 1.0,
        "stop": [],
        "seed": None,
        "exact": False,
        "schema": None,
        "logprobs": False,
    }
    assert plain(Sampling(tools=(tool,)))["tools"] == [plain(tool)]


def test_a_completion_is_a_turn_of_the_chat_that_goes_on():
    completion = Completion("hello", prompt_ids=(1, 2), token_ids=(3, 4))

    assert completion.message() == ChatMessage("assistant", "hello", ids=(3, 4))
    assert completion.message("{") == ChatMessage("assistant", "{hello", ids=(3, 4), n_begun=1)
    assert Completion("hello").message() == ChatMessage("assistant", "hello")
