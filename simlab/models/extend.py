"""Token ids in, token ids out: a chat that goes on keeps the ids that its model drew.

Words that are cut into tokens anew need not give the tokens that were drawn: a model may draw
``he`` and ``llo`` where a tokenizer has ``hello``. So a reply carries its ids in the chat
(`Completion.message`), and a prompt has them in the place of its words. What is rendered follows
from the prompt alone, never from what an engine remembers: it is the same on any host, in a fresh
process, and after a crash.

The prompt of a turn begins with the prompt and the tokens of the turn before if the chat begins
with the same messages and the template writes them as it did. Else it is a new rendering, in which
the replies still keep their ids, but for those whose words the template changes, as templates of
thinking models do when they leave out earlier reasoning: these are cut into tokens anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jinja2 import TemplateError

from simlab.models.fold import Write
from simlab.models.model import ChatMessage

Piece = str | tuple[int, ...]
"""Of a prompt: a text to be cut into tokens, or ids that were drawn."""

_MARK = "\ue000{}\ue001"
"""Stands for the words of a reply; of characters that are for private use."""


@dataclass(frozen=True, slots=True)
class Joint:
    """The white space between the header of the assistant's turn and its words.

    Templates of some families write none where the assistant is to speak, and a space before what
    it has said, which the model draws as part of its first token.

    Attributes:
        shown: Before words that are shown.
        opened: Where the assistant is to speak.
    """

    shown: str = ""
    opened: str = ""

    @classmethod
    def of(cls, write: Write) -> "Joint":
        """The joint of a template; an empty one where more than white space differs."""
        asked, said = ChatMessage("user", "hello"), ChatMessage("assistant", _MARK.format(0))
        try:
            shown = write([asked, said, asked]).partition(said.text)[0]
            opened = write([asked])
        except TemplateError:
            return cls()
        if shown.rstrip() != opened.rstrip():
            return cls()
        return cls(shown[len(shown.rstrip()) :], opened[len(opened.rstrip()) :])

    def reopen(self, text: str) -> str:
        """A text that ends before shown words, as it was when they were drawn."""
        if not text.endswith(self.shown):
            return text
        return text.removesuffix(self.shown) + self.opened


def pieces(messages: Sequence[ChatMessage], write: Write, joint: Joint) -> list[Piece]:
    """The pieces of a prompt: its text, with ids in the place of the words that they stand for.

    Args:
        messages: The chat. Ids of its last message count for nothing if that is the assistant's: an
            unfinished reply is words.
        write: Its whole text.
        joint: Of the template.

    Returns:
        Texts, with ids between them.
    """
    text = write(messages)
    while places := [place for place, message in enumerate(messages[:-1]) if message.ids]:
        replies = [messages[place] for place in places]
        parts = _around(replies, write(_marked(messages, places)))
        n_kept = _count_kept(replies, parts, text)
        if n_kept == len(replies):
            return _put_together(replies, parts, joint)
        changed = places[n_kept]
        without = replace(messages[changed], ids=())
        messages = [*messages[:changed], without, *messages[changed + 1 :]]
    return [text]


def _marked(messages: Sequence[ChatMessage], places: Sequence[int]) -> list[ChatMessage]:
    """The chat with a mark in the place of what was drawn of each reply."""
    marked = list(messages)
    for number, place in enumerate(places):
        begun = messages[place].text[: messages[place].n_begun]
        marked[place] = replace(messages[place], text=begun + _MARK.format(number))
    return marked


def _around(replies: Sequence[ChatMessage], marked: str) -> list[str]:
    """The texts before, between and after the marks, as far as these are there in their order."""
    parts = []
    for number in range(len(replies)):
        before, mark, after = marked.partition(_MARK.format(number))
        if not mark:
            break
        parts.append(before)
        marked = after
    return [*parts, marked]


def _count_kept(replies: Sequence[ChatMessage], parts: Sequence[str], text: str) -> int:
    """How many replies stand in the text as they are, but for white space at their ends."""
    if not text.startswith(parts[0]):
        return 0
    read = len(parts[0])
    for number, (reply, after) in enumerate(zip(replies, parts[1:], strict=False)):
        shown = (reply.text, reply.text.rstrip(), reply.text.strip())
        ways = (words[reply.n_begun :] + after for words in shown)
        length = next((len(way) for way in ways if text.startswith(way, read)), None)
        if length is None:
            return number
        read += length
    return len(parts) - 1


def _put_together(
    replies: Sequence[ChatMessage], parts: Sequence[str], joint: Joint
) -> list[Piece]:
    whole: list[Piece] = []
    for reply, before in zip(replies, parts, strict=False):
        begun = reply.text[: reply.n_begun]
        whole += [joint.reopen(before.removesuffix(begun)) + begun, reply.ids]
    return [*whole, parts[-1]]
