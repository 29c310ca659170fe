"""Templates of all kinds take chats with tools, and their calls are read back."""

import pytest

from simlab.models.model import ChatMessage
from simlab.models.render import Renderer
from simlab.models.tool_call import ToolCall
from simlab.models.tool_folding import ToolFolding
from tests.models.tool_templates import (
    CALLED,
    CALLS,
    CHAT,
    CODER,
    GEMMA,
    LLAMA,
    MISTRAL,
    QWEN,
    SMOLLM,
    WEATHER,
    Templated,
)

KINDS = {
    "qwen": QWEN,
    "llama": LLAMA,
    "mistral": MISTRAL,
    "smollm": SMOLLM,
    "gemma": GEMMA,
    "coder": CODER,
}


def text_of(template, messages, tools=(WEATHER,)):
    return "".join(map(chr, Renderer(Templated(template)).prompt_ids(messages, tools)))


@pytest.mark.parametrize("kind", KINDS)
def test_tools_calls_and_results_reach_the_model_whatever_its_template(kind):
    text = text_of(KINDS[kind], CALLED)

    assert "Says how the weather is." in text
    assert text.index("Be brief.") < text.index("Where is it warmer?") < text.index("Rome")
    assert text.index("Rome") < text.index("21")
    assert text.index("Oslo") < text.index("4", text.index("21"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_called_stays_there_when_tools_are_offered_no_more(kind):
    text = text_of(KINDS[kind], CALLED, tools=())

    assert "Says how" not in text
    assert text.index("Rome") < text.index("21")


@pytest.mark.parametrize("kind", KINDS)
def test_a_chat_without_tools_is_written_as_ever(kind):
    plain = Renderer(Templated(KINDS[kind]))

    assert plain.prompt_ids(CHAT) == plain.prompt_ids(CHAT, ())


@pytest.mark.parametrize(
    ("kind", "known", "several"),
    [
        ("qwen", True, True),
        ("llama", True, False),
        ("mistral", True, True),
        ("smollm", False, False),
        ("gemma", False, False),
        ("coder", False, True),
    ],
)
def test_what_a_template_knows_of_tools_is_found_by_trying(kind, known, several):
    renderer = Renderer(Templated(KINDS[kind]))

    assert ToolFolding.of(renderer._apply_template) == ToolFolding(known, several)


def test_a_template_that_knows_tools_tells_of_them_itself():
    assert text_of(QWEN, CALLED) == (
        "<|im_start|>system\nBe brief.\n\n"
        'Call functions as <tool_call>{"name": ..., "arguments": ...}</tool_call>:\n'
        '{"type": "function", "function": {"name": "weather", "description": '
        '"Says how the weather is.", "parameters": {"type": "object", "properties": {"city": '
        '{"type": "string", "description": "Its name."}}, "required": ["city"]}}}\n<|im_end|>\n'
        "<|im_start|>user\nWhere is it warmer?<|im_end|>\n"
        "<|im_start|>assistant\n"
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>'
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call><|im_end|>\n'
        "<|im_start|>user\n<tool_response>\n21\n</tool_response><|im_end|>\n"
        "<|im_start|>user\n<tool_response>\n4\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_a_template_of_single_calls_is_given_each_before_its_result():
    text = text_of(LLAMA, CALLED, tools=())

    assert text.endswith(
        '<|head|>assistant<|/head|>\n\n{"name": "weather", "parameters": {"city": "Rome"}}<|eot|>'
        '<|head|>ipython<|/head|>\n\n"21"<|eot|>'
        '<|head|>assistant<|/head|>\n\n{"name": "weather", "parameters": {"city": "Oslo"}}<|eot|>'
        '<|head|>ipython<|/head|>\n\n"4"<|eot|>'
        "<|head|>assistant<|/head|>\n\n"
    )


def test_a_template_that_wants_ids_is_given_those_of_the_calls():
    text = text_of(MISTRAL, CALLED[1:], tools=())

    assert text.endswith(
        '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Rome"}, "id": "call00001"}, '
        '{"name": "weather", "arguments": {"city": "Oslo"}, "id": "call00002"}]</s>'
        '[TOOL_RESULTS] {"content": 21, "call_id": "call00001"}[/TOOL_RESULTS]'
        '[TOOL_RESULTS] {"content": 4, "call_id": "call00002"}[/TOOL_RESULTS]'
    )


@pytest.mark.parametrize("kind", ["smollm", "gemma", "coder"])
def test_other_templates_are_given_tools_in_words(kind):
    text = text_of(KINDS[kind], CALLED)

    assert "You can use these tools:\n- weather: Says how" in text
    assert '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>' in text
    assert "Result of weather: 21\nResult of weather: 4" in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_could_not_be_read_is_shown_as_it_was_written(kind):
    unread = ToolCall("", "weather Rome", "call00001")
    chat = [
        *CHAT,
        ChatMessage("assistant", "", calls=(unread,)),
        ChatMessage("tool", "No.", calls=(unread,)),
    ]

    assert "weather Rome" in text_of(KINDS[kind], chat)


def test_a_reply_may_be_begun_after_results():
    chat = [*CALLED, ChatMessage("assistant", '{"say": "')]

    assert text_of(QWEN, chat).endswith('<|im_start|>assistant\n{"say": "')


def test_calls_of_words_keep_them():
    chat = [*CHAT, ChatMessage("assistant", "I look.", calls=CALLS[:1]), CALLED[3]]

    assert "assistant\nI look.\n<tool_call>" in text_of(SMOLLM, chat)
