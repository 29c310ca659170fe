"""Chats with tools as a template takes them: told by the template itself, or put in words."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from jinja2 import TemplateError

from simlab.models.model import ChatMessage
from simlab.models.tool_call import ToolCall, ToolSpec
from simlab.models.tool_reading import read_spoken
from simlab.models.tool_words import in_words

Write = Callable[[Sequence[ChatMessage], Sequence[ToolSpec]], str]
"""The text of a chat with tools, as a template writes it; raises `TemplateError` to refuse it."""

_WORDS = "simlab-words"
_RESULT = "simlab-result"
_TOOL = ToolSpec("simlab_tool", "simlab-meaning", {"type": "object", "properties": {}})
_CALL = ToolCall("simlab_tool", '{"word": "simlab-word"}', "simlab001")
_ASKED = ChatMessage("user", "simlab-asked")


@dataclass(frozen=True, slots=True)
class Offer:
    """A chat, and the tools that are offered beside it."""

    messages: Sequence[ChatMessage]
    tools: Sequence[ToolSpec] = ()


@dataclass(frozen=True, slots=True)
class ToolFolding:
    """What a chat template knows of tools, found out by trying.

    Attributes:
        known: It tells of tools and results, and writes calls in a form that `read_spoken` reads.
            Else all of this is put in words.
        several: It takes several calls in one turn. Else each has a turn of its own.
    """

    known: bool
    several: bool

    @classmethod
    def of(cls, write: Write) -> "ToolFolding":
        """What the template behind `write` knows."""
        return cls(
            known=_tells(write, [_CALL]) and _reads_back(write),
            several=_tells(write, [_CALL, replace(_CALL, id="simlab002")]),
        )

    def fold(self, offer: Offer) -> Offer:
        """The chat as the template takes it, and what that is to tell of itself."""
        if not self.known:
            return Offer(in_words(offer.messages, offer.tools))
        return offer if self.several else Offer(list(_one_by_one(offer.messages)), offer.tools)


def _tells(write: Write, calls: Sequence[ToolCall]) -> bool:
    """Whether a tool, calls of it and their results reach the text."""
    results = [ChatMessage("tool", f"{_RESULT}-{call.id}", calls=(call,)) for call in calls]
    chat = [_ASKED, ChatMessage("assistant", "", calls=tuple(calls)), *results]
    try:
        text = write(chat, [_TOOL])
    except TemplateError:
        return False
    return _TOOL.description in text and all(result.text in text for result in results)


def _reads_back(write: Write) -> bool:
    """Whether a call as the template writes it is read as that call.

    What stands around it is found by a turn of words in its place.
    """
    try:
        said = write([_ASKED, ChatMessage("assistant", _WORDS)], [_TOOL])
        called = write([_ASKED, ChatMessage("assistant", "", calls=(_CALL,))], [_TOOL])
    except TemplateError:
        return False
    before, _, after = said.rpartition(_WORDS)
    reply = called.rstrip().removeprefix(before.rstrip()).removesuffix(after.strip())
    return read_spoken(reply, [_TOOL]).calls == (replace(_CALL, id=""),)


def _one_by_one(messages: Sequence[ChatMessage]) -> Iterator[ChatMessage]:
    """The chat with each call in a turn of its own, before its result."""
    for before, message in zip([None, *messages], messages, strict=False):
        if message.role == "tool" and before is not None and before.role == "tool":
            yield ChatMessage("assistant", "", calls=message.calls)
        yield replace(message, calls=message.calls[:1])
