from simlab.models.model import ChatMessage
from simlab.models.tool_call import ToolSpec
from simlab.models.tool_words import in_words
from tests.models.tool_templates import CALLED, CHAT, WEATHER

TOLD = """\
You can use these tools:
- weather: Says how the weather is.
  - city: text, Its name.
- now
To use a tool, write a call like this one and nothing else; you will be told its result before you \
answer:
<tool_call>{"name": "weather", "arguments": {"city": "some words"}}</tool_call>"""
NOW = ToolSpec("now", "", {"type": "object", "properties": {}})


def test_tools_are_told_at_the_end_of_the_system_turn():
    told = in_words(CHAT, [WEATHER, NOW])

    assert told == [ChatMessage("system", f"Be brief.\n\n{TOLD}"), CHAT[1]]


def test_tools_have_a_system_turn_of_their_own_where_there_is_none():
    assert in_words(CHAT[1:], [WEATHER, NOW]) == [ChatMessage("system", TOLD), CHAT[1]]


def test_calls_are_the_assistants_words_and_results_one_turn_of_the_user():
    assert in_words(CALLED, []) == [
        *CHAT,
        ChatMessage(
            "assistant",
            '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>\n'
            '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>',
        ),
        ChatMessage("user", "Result of weather: 21\nResult of weather: 4"),
    ]


def test_turns_without_calls_stay_the_objects_that_they_are():
    told = in_words(CALLED, [])

    assert told[0] is CALLED[0]
    assert told[1] is CALLED[1]
