"""Chats as a template takes them: what it does not know is put into what it knows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jinja2 import TemplateError

from simlab.models.model import ChatMessage, Role

Write = Callable[[Sequence[ChatMessage]], str]
"""The text of a chat, as a template writes it; raises jinja2's `TemplateError` to refuse it."""

_JOINT = "\n\n"


@dataclass(frozen=True, slots=True)
class Folding:
    """What a chat template takes, found out by trying.

    Attributes:
        system: It takes a system turn. Else its words go before those of the next user turn.
        repeats: It takes two turns of one role after each other. Else they are joined.
        opening: It takes a chat that the assistant opens. Else an empty turn of the user precedes.
    """

    system: bool
    repeats: bool
    opening: bool

    @classmethod
    def of(cls, write: Write) -> "Folding":
        """What the template behind `write` takes."""
        return cls(
            system=_takes(write, "system", "user"),
            repeats=_takes(write, "user", "user"),
            opening=_takes(write, "assistant", "user"),
        )

    def fold(self, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        """The chat as the template takes it."""
        if not self.system:
            messages = _fold_system(messages)
        if not self.repeats:
            messages = _join_repeats(messages)
        if not self.opening:
            messages = _open(messages)
        return messages


def _takes(write: Write, *roles: Role) -> bool:
    """Whether the words of all turns of such a chat reach the text."""
    chat = [ChatMessage(role, f"simlab-{place}") for place, role in enumerate(roles)]
    try:
        text = write(chat)
    except TemplateError:
        return False
    return all(message.text in text for message in chat)


def _fold_system(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Each system turn before the words of the user turn that follows it.

    It is a user turn of its own where none follows, and where the assistant opens the chat.
    """
    folded: list[ChatMessage] = []
    held: list[str] = []
    for message in messages:
        if message.role == "system":
            held.append(message.text)
        elif held and message.role == "user":
            folded.append(ChatMessage("user", _JOINT.join([*held, message.text])))
            held = []
        elif held and not folded:
            folded += [ChatMessage("user", _JOINT.join(held)), message]
            held = []
        else:
            folded.append(message)
    return [*folded, ChatMessage("user", _JOINT.join(held))] if held else folded


def _join_repeats(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Turns of one role that follow each other as one turn, without the ids of their words."""
    joined: list[ChatMessage] = []
    for message in messages:
        last = joined[-1] if joined else None
        if last is None or last.role != message.role or message.role == "tool":
            joined.append(message)
        else:
            words = _JOINT.join([last.text, message.text])
            joined[-1] = replace(last, text=words, ids=(), n_begun=0)
    return joined


def _open(messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
    """An empty turn of the user before the assistant's, where that opens the chat."""
    place = next((i for i, message in enumerate(messages) if message.role != "system"), None)
    if place is None or messages[place].role != "assistant":
        return messages
    return [*messages[:place], ChatMessage("user", ""), *messages[place:]]
