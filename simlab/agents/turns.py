"""The turns of a chat that is remembered, joined when they are shown."""

from collections.abc import Sequence
from typing import Self

from simlab.models.model import ChatMessage, Role

SEPARATOR = "\n"
"""Between things of one turn."""


class Turns:
    """What was said, as turns that alternate between user and assistant.

    Turns that have not changed are the same objects each time they are shown.
    """

    __slots__ = ("_messages", "_roles", "_texts")

    def __init__(self) -> None:
        self._roles: list[Role] = []
        self._texts: list[list[str]] = []
        self._messages: list[ChatMessage] = []

    def add(self, role: Role, text: str) -> None:
        """Put a text into the last turn if it is of the same role, else into a new one.

        An empty text is no turn.
        """
        if not text:
            return
        if self._roles and self._roles[-1] == role:
            self._texts[-1].append(text)
            del self._messages[len(self._roles) - 1 :]
        else:
            self._roles.append(role)
            self._texts.append([text])

    def forget(self, n_texts: int) -> None:
        """Drop the oldest texts."""
        while n_texts and n_texts >= len(self._texts[0]):
            n_texts -= len(self._texts[0])
            del self._roles[0], self._texts[0], self._messages[:1]
        if n_texts:
            del self._texts[0][:n_texts]
            if self._messages:
                self._messages[0] = self._joined(0)

    def messages(self) -> Sequence[ChatMessage]:
        """All turns, not to be changed."""
        for place in range(len(self._messages), len(self._roles)):
            self._messages.append(self._joined(place))
        return self._messages

    def copy(self) -> Self:
        """Turns that go their own way."""
        twin = type(self)()
        twin._roles = list(self._roles)
        twin._texts = [list(texts) for texts in self._texts]
        twin._messages = list(self._messages)
        return twin

    def _joined(self, place: int) -> ChatMessage:
        return ChatMessage(self._roles[place], SEPARATOR.join(self._texts[place]))
