"""Calls are read in the forms in which models write them, and nothing else is taken for one."""

import pytest

from simlab.models.tool_call import ToolCall
from simlab.models.tool_reading import Spoken, read_spoken
from tests.models.tool_templates import WEATHER

ROME = ToolCall("weather", '{"city": "Rome"}')
OSLO = ToolCall("weather", '{"city": "Oslo"}')


def read(reply):
    return read_spoken(reply, [WEATHER])


@pytest.mark.parametrize(
    "reply",
    [
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>',
        '<tool_call>{"arguments": {"city": "Rome"}, "name": "weather"}</tool_call>',
        '<tool_call>[{"name": "weather", "arguments": {"city": "Rome"}}]</tool_call>',
        "<tool_call>{'name': 'weather', 'arguments': {'city': 'Rome',},}</tool_call>",
        '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}</tool_call>',
        '<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Rome\\"}"}</tool_call>',
        '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}',
        '{"name": "weather", "parameters": {"city": "Rome"}}',
        ' {"type": "function", "name": "weather", "parameters": {"city": "Rome"}}\n',
        '<|python_tag|>{"name": "weather", "parameters": {"city": "Rome"}}',
        '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Rome"}, "id": "a1b2c3d4e"}]',
        '[{"name": "weather", "arguments": {"city": "Rome"}}]',
    ],
)
def test_a_call_is_read_in_each_form(reply):
    assert read(reply) == Spoken("", (ROME,))


@pytest.mark.parametrize(
    "reply",
    [
        '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>\n'
        '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>',
        '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}'
        '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}',
        '{"name": "weather", "parameters": {"city": "Rome"}}; '
        '{"name": "weather", "parameters": {"city": "Oslo"}}',
        '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Rome"}}, '
        '{"name": "weather", "arguments": {"city": "Oslo"}}]',
    ],
)
def test_several_calls_are_read_in_their_order(reply):
    assert read(reply).calls == (ROME, OSLO)


def test_words_beside_calls_are_kept():
    reply = (
        'I look.\n<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call> Wait.'
    )

    assert read(reply) == Spoken("I look.\n Wait.", (ROME,))
    assert read("Hm. [TOOL_CALLS] nothing").words == "Hm."


def test_a_call_without_arguments_has_none():
    assert read('<tool_call>{"name": "now"}</tool_call>').calls == (ToolCall("now", "{}"),)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("<tool_call>weather Rome</tool_call>", "weather Rome"),
        ('<tool_call>{"city": "Rome"}</tool_call>', '{"city": "Rome"}'),
        ('<tool_call>{"name": 3}</tool_call>', '{"name": 3}'),
        (
            '<tool_call>{"name": "weather", "arguments": {"ci',
            '{"name": "weather", "arguments": {"ci',
        ),
        ("<tool_call>", ""),
        ("<|python_tag|>weather.call(city='Rome')", "weather.call(city='Rome')"),
    ],
)
def test_what_is_marked_as_a_call_and_cannot_be_read_is_a_call_without_a_name(reply, words):
    assert read(reply) == Spoken("", (ToolCall("", words),))


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "It is warm.",
        '{"say": "Hi", "price": 3}',
        '{"name": "Ann"}',
        '{"name": "Ann", "parameters": 3}',
        '{"name": "Ann", "arguments": {}, "price": 3}',
        '[{"name": "weather", "arguments": {}}, 3]',
        '{"name": "weather", "arguments": {}} is what I would call',
        "[]",
        "[" * 5000,
    ],
)
def test_answers_are_no_calls(reply):
    assert read(reply) == Spoken(reply)


def test_where_nothing_is_offered_all_of_a_reply_is_words():
    reply = '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>'

    assert read_spoken(reply, ()) == Spoken(reply)
