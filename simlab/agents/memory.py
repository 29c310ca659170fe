"""What an agent remembers: the observations it was told, in order, and nothing else.

Asking an agent never writes its memory; only what it observes does. So a memory can be rebuilt from
a run's recorded observations, and an interview after a run leaves no trace.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, runtime_checkable

from simlab.agents.tokens import TokenCounter, characters, cut
from simlab.agents.turns import SEPARATOR, Turns
from simlab.env.environment import Seat, Utterance
from simlab.models.model import ChatMessage, Role
from simlab.trace.text import placeless


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """One thing remembered.

    Attributes:
        text: In words; an utterance with its speaker.
        own_words: What the agent said itself, without its name; None for all else.
        time: World time in seconds at which it was perceived, where the observation tells it.
        priority: The higher, the rather it is recalled when recall is ranked.
        level: How often it was summarised; 0 for what was observed.
        data: The observation itself, shared, not copied.
    """

    text: str
    own_words: str | None = None
    time: float | None = None
    priority: float = 0.0
    level: int = 0
    data: Any = None

    @classmethod
    def of(cls, observation: Any, seat: Seat = "", *, named: bool = True) -> "MemoryItem":
        """The item for an observation, with its ``time`` and ``priority`` if it has these.

        Args:
            observation: Anything whose `str` is good prose.
            seat: Whose memory it is: what this seat says is its own words.
            named: False: leave out the speaker of an utterance.
        """
        if isinstance(observation, str):
            return cls(observation)
        said = observation.text if isinstance(observation, Utterance) else None
        own = said is not None and observation.speaker == seat
        return cls(
            placeless(str(observation)) if named or said is None else said,
            own_words=said if own else None,
            time=getattr(observation, "time", None),
            priority=getattr(observation, "priority", 0.0),
            data=observation,
        )

    def __str__(self) -> str:
        return self.text

    @property
    def role(self) -> Role:
        """Whose turn of a chat it is: the agent's own words are the assistant's."""
        return "user" if self.own_words is None else "assistant"

    @property
    def spoken(self) -> str:
        """The text as a turn of a chat."""
        return self.text if self.own_words is None else self.own_words


@runtime_checkable
class Memory(Protocol):
    """Keeps items; shows them to a model as a chat, and to others as a text."""

    async def add(self, item: MemoryItem) -> None:
        """Remember one thing more."""
        ...

    async def about(self, question: str) -> "Memory":
        """What of it bears on a question, as a memory to be shown; writes nothing.

        A memory that shows all that it has gives itself.

        Args:
            question: In words; empty where nothing is asked.
        """
        ...

    def messages(self) -> Sequence[ChatMessage]:
        """All that is remembered, as turns that alternate between user and assistant.

        Turns that have not changed are the same objects as before, so that a log can store a prompt
        as what is new in it. Not to be changed.
        """
        ...

    def recall(
        self,
        *,
        max_items: int | None = None,
        max_tokens: int | None = None,
        ranked: bool = False,
        separator: str = SEPARATOR,
        render: Callable[[MemoryItem], str] = str,
    ) -> str:
        """Some of what is remembered as a text; see `recalled`."""
        ...

    def copy(self) -> Self:
        """A memory of the same class that goes its own way; the items are shared."""
        ...


class ItemMemory:
    """Keeps items in their order, and shows all that it keeps.

    Args:
        count: Counts tokens for the limits of `recall`.
    """

    def __init__(self, *, count: TokenCounter = characters) -> None:
        self._count = count
        self._items: list[MemoryItem] = []
        self._turns = Turns()

    @property
    def items(self) -> Sequence[MemoryItem]:
        """What is remembered, oldest first; not to be changed."""
        return self._items

    async def add(self, item: MemoryItem) -> None:
        """Remember one thing more; see `Memory.add`."""
        self._items.append(item)
        self._turns.add(item.role, item.spoken)

    async def about(self, question: str) -> "ItemMemory":  # noqa: ARG002 - the protocol's
        """All of it, whatever is asked; see `Memory.about`."""
        return self

    def messages(self) -> Sequence[ChatMessage]:
        """All of it as turns of a chat; see `Memory.messages`."""
        return self._turns.messages()

    def recall(
        self,
        *,
        max_items: int | None = None,
        max_tokens: int | None = None,
        ranked: bool = False,
        separator: str = SEPARATOR,
        render: Callable[[MemoryItem], str] = str,
    ) -> str:
        """Some of it as a text; see `recalled`."""
        return recalled(
            self._items,
            max_items=max_items,
            max_tokens=max_tokens,
            ranked=ranked,
            separator=separator,
            render=render,
            count=self._count,
        )

    def copy(self) -> Self:
        """A twin that goes its own way; see `Memory.copy`."""
        twin = copy.copy(self)
        twin._items = list(self._items)
        twin._turns = self._turns.copy()
        return twin

    def _replace_items(self, items: Iterable[MemoryItem]) -> None:
        self._items = list(items)
        self._turns = Turns()
        for item in self._items:
            self._turns.add(item.role, item.spoken)

    def _forget(self, n_items: int) -> None:
        """Drop the oldest items."""
        self._turns.forget(sum(bool(item.spoken) for item in self._items[:n_items]))
        del self._items[:n_items]


class ListMemory(ItemMemory):
    """Remembers everything.

    A prompt that holds all of it grows with each turn; `TokenWindow` bounds it. An agent that has
    it goes on from its own dialogue, see `simlab.agents.dialogue`.
    """


class TokenWindow(ItemMemory):
    """Remembers the latest items within a limit of tokens, separators counted.

    What exceeds the limit is forgotten from the oldest on, down to three quarters of the limit at
    once: so the beginning of the prompt stays the same for many turns, which engines' prefix caches
    and the log live by. A single item over the limit is cut.

    Args:
        max_tokens: The limit; at least 1.
        count: Counts tokens.

    Raises:
        ValueError: `max_tokens` is less than 1.
    """

    def __init__(self, max_tokens: int = 512, *, count: TokenCounter = characters) -> None:
        super().__init__(count=count)
        self.max_tokens = checked_limit(max_tokens)
        self._separator = count(SEPARATOR)
        self._costs: list[int] = []
        self._tokens = 0

    async def add(self, item: MemoryItem) -> None:
        """Remember one thing more, and forget what there is no room for."""
        item = shortened(item, self.max_tokens, self._count)
        await super().add(item)
        cost = self._count(item.text) + self._separator
        self._costs.append(cost)
        self._tokens += cost
        if self._tokens - self._separator > self.max_tokens:
            self._make_room(max(self.max_tokens * 3 // 4 + self._separator, cost))

    def copy(self) -> Self:
        """A twin that goes its own way; see `Memory.copy`."""
        twin = super().copy()
        twin._costs = list(self._costs)
        return twin

    def _make_room(self, room: int) -> None:
        """Forget the oldest items, until the others cost at most `room`."""
        n_items = 0
        while self._tokens > room:
            self._tokens -= self._costs[n_items]
            n_items += 1
        del self._costs[:n_items]
        self._forget(n_items)


def recalled(
    items: Sequence[MemoryItem],
    *,
    max_items: int | None = None,
    max_tokens: int | None = None,
    ranked: bool = False,
    separator: str = SEPARATOR,
    render: Callable[[MemoryItem], str] = str,
    count: TokenCounter = characters,
) -> str:
    """Some of the items as one text, in their order.

    Items are taken one after another, the latest first or the one of the highest priority first,
    until the next one would exceed a limit; then it stops. Where not even the first one has room,
    it is cut.

    Args:
        items: Oldest first.
        max_items: At most so many; 0 recalls nothing, None sets no limit.
        max_tokens: At most so many, separators counted; None sets no limit.
        ranked: True: by priority, the later of equals first.
        separator: Between items.
        render: An item in words.
        count: Counts tokens.
    """
    order = _by_priority(items) if ranked else list(reversed(range(len(items))))
    if max_items is not None:
        order = order[: max(0, max_items)]
    taken: dict[int, str] = {}
    room = max_tokens
    for place in order:
        text = render(items[place])
        if room is not None:
            if not taken:
                text = cut(text, room, count=count)
            room -= count(text) + (count(separator) if taken else 0)
            if room < 0 or not text:
                break
        taken[place] = text
    return separator.join(taken[place] for place in sorted(taken))


def _by_priority(items: Sequence[MemoryItem]) -> list[int]:
    return sorted(range(len(items)), key=lambda place: (-items[place].priority, -place))


def shortened(item: MemoryItem, max_tokens: int, count: TokenCounter) -> MemoryItem:
    """The item, its words cut to at most `max_tokens`."""
    if count(item.text) <= max_tokens:
        return item
    own = item.own_words
    return replace(
        item,
        text=cut(item.text, max_tokens, count=count),
        own_words=None if own is None else cut(own, max_tokens, count=count),
    )


def checked_limit(max_tokens: int) -> int:
    """A limit of tokens.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is less than 1.
    """
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int):
        raise TypeError(f"max_tokens must be a whole number, got {max_tokens!r}")
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, got {max_tokens!r}")
    return max_tokens
