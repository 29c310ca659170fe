"""Ready-made scripts for scripted models: functions of the prompt and the sampling to a text.

`sensible` plays every bundled world well and answers any other request in the form that is asked
for. All are deterministic: the same prompt and seed, the same text.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from simlab.models.example import example_of
from simlab.models.model import ChatMessage, Prompt, Sampling
from simlab.models.sense import RULES, Asked
from simlab.models.talk import say_in_dialogue
from simlab.models.tool_call import ToolCall, ToolSpec
from simlab.models.tool_words import call_in_words

Script = Callable[[Prompt, Sampling], str]
"""What a scripted model says; a reply begun in the prompt is continued, not repeated."""

_REFUSED = "That was not taken: "
_REASON = "Then write 'Answer:'"
_VALUE = r'(?:"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null)'
"""Plain data of one word, as JSON writes it."""
_VALUES = re.compile(_VALUE)
_CHOICES = re.compile(
    rf"^Answer with ({_VALUE}(?:(?:, | or ){_VALUE})*)(?: or .*)?\.$", re.MULTILINE
)
_OR_NULL = re.compile(r"^Answer with (?!text or null).* or null\.$", re.MULTILINE)
_LISTED = re.compile(r"^Choose one of these:\n((?:[\[{\"].*\n?)+)", re.MULTILINE)
_NUMBER = re.compile(r"^Answer with a (?:whole )?number(.*)\.$", re.MULTILINE)
_FROM = re.compile(r"(?:from|at least) (-?\d+)")
_TO = re.compile(r"(?:to|at most) (-?\d+)")
_MORE_THAN = re.compile(r"more than (-?\d+)")
_LESS_THAN = re.compile(r"less than (-?\d+)")
_JSON = json.JSONEncoder(ensure_ascii=False)
_EXAMPLE = "\nFor example:\n"
_SENTENCES = (
    "I see.",
    "That seems reasonable to me.",
    "I would like to think about it.",
    "Let us go on.",
)


def sensible(prompt: Prompt, sampling: Sampling) -> str:
    """Does what a sensible player of a bundled world does; see `simlab.models.sense`.

    Requests of other worlds are answered in the form that they ask for: with one of the choices, a
    number within the bounds, the example, or a sentence. Each tool that it is offered it calls once
    before it answers, with arguments that are the example of its schema.

    Raises:
        TypeError: The prompt is not a chat; a script reads words, not token ids.
    """
    chat = _as_chat(prompt)
    if (tool := _uncalled(chat, sampling.tools)) is not None:
        return call_in_words(ToolCall(tool.name, _JSON.encode(example_of(tool.parameters))))
    begun = chat[-1].text if chat[-1].role == "assistant" else ""
    asked = _asked(chat, sampling.seed or 0)
    rule = next((rule for phrase, rule in RULES.items() if phrase in asked.text), answer_in_form)
    reply = _as_text(rule(asked), quoted=begun.endswith('"'))
    if _REASON in asked.text:
        return f"I have thought about it. Answer: {reply}"
    return reply.removeprefix(begun)


def echo(prompt: Prompt, _sampling: Sampling) -> str:
    """Says what the last user said.

    Raises:
        TypeError: The prompt is not a chat.
    """
    return next((each.text for each in reversed(_as_chat(prompt)) if each.role == "user"), "")


def answer_in_form(asked: Asked) -> Any:
    """An answer in the form that the request tells, whatever it is about.

    Who is asked for words alone says what is fitting where a bundled dialogue says who it is.
    """
    if listed := _LISTED.search(asked.text):
        return json.loads(asked.one_of(listed.group(1).splitlines()))
    if choices := _CHOICES.search(asked.text):
        return json.loads(asked.one_of(_VALUES.findall(choices.group(1))))
    if number := _NUMBER.search(asked.text):
        return _number_in_words(asked, number.group(1))
    if _EXAMPLE in asked.text:
        return json.loads(asked.text.rpartition(_EXAMPLE)[2].splitlines()[0])
    if _OR_NULL.search(asked.text):  # what else it may be is of no form known here
        return None
    return say_in_dialogue(asked) or asked.one_of(_SENTENCES)


def _number_in_words(asked: Asked, words: str) -> int:
    """A whole number within bounds such as ``" from 1 to 5"`` or ``" more than 0"``."""
    at_least, more_than = _FROM.search(words), _MORE_THAN.search(words)
    at_most, less_than = _TO.search(words), _LESS_THAN.search(words)
    lowest = int(at_least[1]) if at_least else int(more_than[1]) + 1 if more_than else None
    highest = int(at_most[1]) if at_most else int(less_than[1]) - 1 if less_than else None
    if lowest is None:
        lowest = 1 if highest is None else min(1, highest)
    return lowest + asked.draw((lowest + 9 if highest is None else highest) - lowest + 1)


def _as_chat(prompt: Prompt) -> Sequence[ChatMessage]:
    if not prompt or not isinstance(prompt[0], ChatMessage):
        raise TypeError(f"expected a chat with at least one message, got {prompt!r:.80}")
    return prompt  # type: ignore[return-value] # one kind of item in all places


def _uncalled(chat: Sequence[ChatMessage], tools: Sequence[ToolSpec]) -> ToolSpec | None:
    """The first tool of which the chat has no call; None if there is none left."""
    called = {call.name for message in chat for call in message.calls} if tools else ()
    return next((tool for tool in tools if tool.name not in called), None)


def _asked(chat: Sequence[ChatMessage], seed: int) -> Asked:
    """The request; after refusals the one that was refused, with another draw for each."""
    n_refused = 0
    for message in reversed(chat):
        if message.role != "user":
            continue
        if not message.text.startswith(_REFUSED):
            return Asked(message.text, chat, seed + n_refused)
        n_refused += 1
    return Asked("", chat, seed)


def _as_text(answer: Any, *, quoted: bool) -> str:
    if isinstance(answer, str) and not quoted:
        return answer
    return _JSON.encode(answer)
