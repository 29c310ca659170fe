"""A dialogue as it went: what an agent was told and asked, and what it replied, word for word."""

from collections.abc import Sequence
from typing import Self

from simlab.agents.memory import MemoryItem
from simlab.agents.turns import SEPARATOR
from simlab.models.model import ChatMessage


class Dialogue:
    """A chat that only ever grows, so that each prompt goes on from the one before and its reply.

    Replies keep the token ids that were drawn, see `simlab.models.extend`: nothing that a model has
    read or said is cut into tokens anew.

    Attributes:
        messages: What has gone by; not to be changed. What was told since the last reply is put
            into the next question.
    """

    __slots__ = ("_is_said", "_told", "messages")

    def __init__(self) -> None:
        self.messages: list[ChatMessage] = []
        self._told: list[str] = []
        self._is_said = False

    def tell(self, item: MemoryItem) -> None:
        """Add something perceived.

        Own words are there already if they are those of the last answer. Others, such as words that
        somebody has put into the agent's mouth, or with which it opens the dialogue, are a turn of
        its own.
        """
        if item.own_words is None:
            self._told.append(item.text)
        elif self._is_said:
            self._is_said = False
        elif self._told or not self.messages:
            if self._told:
                self.messages.append(ChatMessage("user", SEPARATOR.join(self._told)))
            self.messages.append(ChatMessage("assistant", item.own_words))
            self._told.clear()
        else:
            self._told.append(item.text)

    def ask(self, words: str) -> Sequence[ChatMessage]:
        """The chat that ends with a question; it is not part of the dialogue until it is kept.

        Args:
            words: The question; if empty, what was told stands alone.
        """
        told = SEPARATOR.join(self._told)
        asked = "\n\n".join(filter(None, (told, words)))
        return [*self.messages, ChatMessage("user", asked)]

    def keep(self, exchange: Sequence[ChatMessage], *, fits: bool) -> None:
        """Make a question part of the dialogue, with all that followed up to the reply.

        Args:
            exchange: Begins with the last message of `ask`.
            fits: Whether the reply is an answer, so that the agent's next own words are those.
        """
        self.messages += exchange
        self._told.clear()
        self._is_said = fits

    def copy(self) -> Self:
        """A dialogue that goes its own way; the messages are shared."""
        twin = type(self)()
        twin.messages = list(self.messages)
        twin._told = list(self._told)
        twin._is_said = self._is_said
        return twin
