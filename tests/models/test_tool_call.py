import pickle

import msgspec
import pytest

from simlab.errors import UnfitAnswerError
from simlab.models.model import ChatMessage, Completion, Sampling, as_sampling
from simlab.models.tool_call import ToolCall
from simlab.trace.plain import plain
from tests.models.tool_templates import CALLED, CALLS, WEATHER


def test_a_tool_is_described_as_endpoints_and_templates_take_it():
    assert WEATHER.as_function() == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Says how the weather is.",
            "parameters": WEATHER.parameters,
        },
    }


def test_arguments_are_read_from_json():
    assert CALLS[0].read_arguments() == {"city": "Rome"}


@pytest.mark.parametrize("text", ["", "Rome", "[1]", '"Rome"', '{"city": "Ro'])
def test_arguments_that_are_no_object_are_refused_with_what_was_given(text):
    with pytest.raises(UnfitAnswerError, match="as a JSON object, got") as caught:
        ToolCall("weather", text).read_arguments()

    assert caught.value.raw == text


def test_a_completion_with_calls_comes_back_from_the_record_as_it_was():
    completion = Completion("I look.", calls=(*CALLS, ToolCall("", "Rome?")))

    assert msgspec.convert(plain(completion), Completion) == completion
    assert "calls" not in plain(Completion("Hi"))


def test_a_reply_with_calls_is_a_turn_without_ids_as_templates_write_calls_anew():
    completion = Completion("I look.", token_ids=(3, 4), calls=CALLS)

    assert completion.message() == ChatMessage("assistant", "I look.", calls=CALLS)
    assert Completion("Hi", token_ids=(3, 4)).message().ids == (3, 4)


def test_chats_and_samplings_with_tools_pickle():
    sampling = Sampling(tools=(WEATHER,))

    assert pickle.loads(pickle.dumps((CALLED, sampling))) == (CALLED, sampling)


def test_messages_without_calls_are_made_and_compared_as_ever():
    assert ChatMessage("user", "Hi") == ChatMessage("user", "Hi", calls=())
    assert hash(CALLED[2]) == hash(ChatMessage("assistant", "", calls=CALLS))


def test_a_run_file_cannot_offer_tools_that_nobody_would_call():
    with pytest.raises(ValueError, match="give the agent tools instead"):
        as_sampling({"tools": []})
