"""Reading calls of tools from a model's words, in the forms in which templates have them written.

These are blocks of JSON in ``<tool_call>`` (Qwen, Hermes, SmolLM kinds), and replies that are JSON
as a whole: objects (Llama 3, perhaps after ``<|python_tag|>``) or a list of them (Mistral, after
``[TOOL_CALLS]``). The marks of the latter are special tokens, of which a reply may be rid already.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simlab.models.json_text import find_json
from simlab.models.schema_words import write_json
from simlab.models.tool_call import ToolCall, ToolSpec

_BLOCK = re.compile(r"<tool_call>(.*?)(?:(</tool_call>)|(?=<tool_call>)|\Z)", re.DOTALL)
_MARK = re.compile(r"(\[TOOL_CALLS\]|<\|python_tag\|>)")
_BETWEEN = re.compile(r"[\s;,]*")
_ARGUMENTS = ("arguments", "parameters")
_KEYS = {"name", *_ARGUMENTS, "id", "type"}
_JSON = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a model said.

    Attributes:
        words: All but its calls.
        calls: In their order. One that cannot be read has no name, and its words as arguments.
    """

    words: str
    calls: tuple[ToolCall, ...] = ()


def read_spoken(reply: str, tools: Sequence[ToolSpec]) -> Spoken:
    """A reply as words and calls.

    Args:
        reply: All that was drawn.
        tools: What was offered; where nothing was, all of the reply is words.
    """
    if not tools:
        return Spoken(reply)
    blocks = list(_BLOCK.finditer(reply))
    if blocks:
        calls = [call for block in blocks for call in _read_block(*block.groups())]
        return Spoken(_BLOCK.sub("", reply).strip(), tuple(calls))
    words, mark, after = _at_mark(reply)
    if mark:
        return Spoken(words.strip(), tuple(_read_whole(after) or [_unread(after)]))
    whole = _read_whole(reply)
    return Spoken("" if whole else reply, tuple(whole))


def _at_mark(reply: str) -> Sequence[str]:
    """What stands before the first mark of calls, the mark, and what follows."""
    return [*_MARK.split(reply, maxsplit=1), "", ""][:3]


def _read_block(inside: str, end: str | None) -> list[ToolCall]:
    """The calls in a block, however carelessly their JSON is written."""
    try:
        found = find_json(inside)
    except ValueError:
        found = []
    objects = [each for value in found if value.whole or end for each in _objects(value.value)]
    named = [each for each in objects if isinstance(each.get("name"), str)]
    return [_call(each) for each in named] or [_unread(inside)]


def _read_whole(reply: str) -> list[ToolCall]:
    """The calls that a reply consists of; none if there is anything else in it."""
    calls: list[ToolCall] = []
    at = _end_of_space(reply, 0)
    while at < len(reply):
        try:
            value, at = _JSON.raw_decode(reply, at)
        except (ValueError, RecursionError):
            return []
        objects = _objects(value)
        if not objects or not all(map(_is_call, objects)):
            return []
        calls += map(_call, objects)
        at = _end_of_space(reply, at)
    return calls


def _end_of_space(reply: str, at: int) -> int:
    space = _BETWEEN.match(reply, at)
    return space.end() if space else at


def _objects(value: Any) -> list[dict[str, Any]]:
    """The object that a value is, or those in a list of nothing else."""
    items = value if isinstance(value, list) else [value]
    return items if all(isinstance(item, dict) for item in items) else []


def _is_call(value: Mapping[str, Any]) -> bool:
    """Whether an object that nothing marks as a call can be nothing else."""
    has_arguments = any(isinstance(value.get(key), dict) for key in _ARGUMENTS)
    return has_arguments and isinstance(value.get("name"), str) and value.keys() <= _KEYS


def _call(value: Mapping[str, Any]) -> ToolCall:
    arguments: Any = next((value[key] for key in _ARGUMENTS if key in value), {})
    text = arguments if isinstance(arguments, str) else write_json(arguments)
    return ToolCall(value["name"], text)


def _unread(words: str) -> ToolCall:
    return ToolCall("", words.strip())
