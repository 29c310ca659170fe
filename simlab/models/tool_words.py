"""Tools in words, for chat templates that know of none: what there is, and what was called."""

from collections.abc import Sequence

from simlab.models.example import example_of
from simlab.models.model import ChatMessage
from simlab.models.schema_words import fields_in_words, write_json
from simlab.models.tool_call import ToolCall, ToolSpec

_HOW = (
    "To use a tool, write a call like this one and nothing else; you will be told its result "
    "before you answer:"
)


def in_words(messages: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> list[ChatMessage]:
    """A chat in which tools are part of the words.

    The tools are told at the end of the system turn, which is made where there is none; calls are
    words of the assistant, and the results of all calls of a turn are one turn of the user.
    """
    told = [ChatMessage("system", tools_in_words(tools))] if tools else []
    if told and messages and messages[0].role == "system":
        told = [ChatMessage("system", f"{messages[0].text}\n\n{told[0].text}")]
        messages = messages[1:]
    for before, message in zip([None, *messages], messages, strict=False):
        if message.role == "tool" and before is not None and before.role == "tool":
            told[-1] = ChatMessage("user", f"{told[-1].text}\n{_result_in_words(message)}")
        else:
            told.append(_message_in_words(message))
    return told


def tools_in_words(tools: Sequence[ToolSpec]) -> str:
    """What there is to call, and how; the example of a call comes last, which is copied most."""
    lines = ["You can use these tools:", *map(_tool_in_words, tools), _HOW]
    arguments = write_json(example_of(tools[0].parameters))
    return "\n".join([*lines, call_in_words(ToolCall(tools[0].name, arguments))])


def call_in_words(call: ToolCall) -> str:
    """A call as models are asked to write it; one that could not be read as it was written."""
    inside = call.arguments
    if call.name:
        inside = f'{{"name": {write_json(call.name)}, "arguments": {call.arguments}}}'
    return f"<tool_call>{inside}</tool_call>"


def _tool_in_words(tool: ToolSpec) -> str:
    arguments = fields_in_words(tool.parameters)
    what = f"- {tool.name}: {tool.description}" if tool.description else f"- {tool.name}"
    return "\n  ".join([what, *arguments.splitlines()])


def _message_in_words(message: ChatMessage) -> ChatMessage:
    if message.role == "tool":
        return ChatMessage("user", _result_in_words(message))
    if not message.calls:
        return message
    calls = map(call_in_words, message.calls)
    return ChatMessage(message.role, "\n".join(filter(None, (message.text, *calls))))


def _result_in_words(message: ChatMessage) -> str:
    names = " and ".join(call.name for call in message.calls if call.name)
    return f"Result of {names or 'the call'}: {message.text}"
