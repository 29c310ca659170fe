"""A memory that stays within its limit by summarising, and summaries that stay within theirs."""

import functools
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from simlab.agents.memory import ItemMemory, MemoryItem, checked_limit, shortened
from simlab.agents.tokens import TokenCounter, characters, cut
from simlab.agents.turns import SEPARATOR
from simlab.models.model import ChatMessage, Model, Sampling
from simlab.trace.tracing import note, span

Summarise = Callable[[str, int], Awaitable[str]]
"""Makes a text shorter: the text, and the most tokens that the summary may have."""

_WORDS_PER_TOKEN = 0.75
_INSTRUCTION = "Summarise this in at most {words} words. Write only the summary."
_AGAIN = "Write it again, in at most {words} words."


class SummarisingMemory(ItemMemory):
    """Remembers everything, the older the more briefly, within a limit of tokens.

    Observations have level 0, and a summary a level above both of what it was made from. While the
    limit is exceeded, the first item of the level that most items have is merged with the item
    after it. So old items are not summarised again and again each time that a new one comes.

    Args:
        summarise: Makes a text shorter; see `summariser`. A summary over its limit is cut.
        max_tokens: The limit, separators counted; at least 1.
        max_summary_tokens: The most that one summary may have; a quarter of the limit if None.
        count: Counts tokens.

    Raises:
        ValueError: A limit is less than 1.
    """

    def __init__(
        self,
        summarise: Summarise,
        max_tokens: int = 512,
        *,
        max_summary_tokens: int | None = None,
        count: TokenCounter = characters,
    ) -> None:
        super().__init__(count=count)
        self._summarise = summarise
        self.max_tokens = checked_limit(max_tokens)
        if max_summary_tokens is None:
            max_summary_tokens = max(1, max_tokens // 4)
        self.max_summary_tokens = checked_limit(max_summary_tokens)

    @property
    def n_tokens(self) -> int:
        """How many tokens all items have, separators counted."""
        texts = sum(self._count(item.text) for item in self._items)
        return texts + self._count(SEPARATOR) * max(0, len(self._items) - 1)

    async def add(self, item: MemoryItem) -> None:
        """Remember one thing more, and summarise until all has room."""
        await super().add(shortened(item, self.max_tokens, self._count))
        while self.n_tokens > self.max_tokens:
            await self._merge()

    async def _merge(self) -> None:
        """Put a summary in the place of two items that follow each other."""
        first = min(_first_of_fullest_level(self._items), len(self._items) - 2)
        pair = self._items[first : first + 2]
        text = SEPARATOR.join(item.text for item in pair)
        room = min(self.max_summary_tokens, max(1, self._count(text) // 2))
        summary = cut(await self._summarise(text, room), room, count=self._count)
        merged = MemoryItem(
            summary,
            time=pair[-1].time,
            priority=max(item.priority for item in pair),
            level=1 + max(item.level for item in pair),
        )
        self._replace_items([*self._items[:first], merged, *self._items[first + 2 :]])


def summariser(
    model: Model, *, sampling: Sampling = Sampling(), count: TokenCounter = characters
) -> Summarise:
    """Summaries by a model, as `SummarisingMemory` takes them.

    Args:
        model: Is asked.
        sampling: How summaries are drawn; `max_tokens` is replaced by the limit of each.
        count: Counts tokens.
    """
    return functools.partial(summarised, model, sampling=sampling, count=count)


async def summarised(
    model: Model,
    text: str,
    max_tokens: int,
    *,
    sampling: Sampling = Sampling(),
    count: TokenCounter = characters,
) -> str:
    """A summary that never exceeds its limit.

    The model is asked a second time if its summary is empty or too long. If the second one is as
    well, what there is (of an empty one, the text itself) is cut at a separator, ends with
    `CUT_MARK`, and a warning is noted in the log.

    Args:
        model: Is asked.
        text: What to summarise.
        max_tokens: The limit, by `count`.
        sampling: How it is drawn; its `max_tokens` plays no part.
        count: Counts tokens.
    """
    words = max(1, int(max_tokens * _WORDS_PER_TOKEN))
    chat = [ChatMessage("user", f"{_INSTRUCTION.format(words=words)}\n\n{text}")]
    drawn = replace(sampling, max_tokens=2 * max_tokens + 16)
    with span("summarise", kind="summary", inputs={"max_tokens": max_tokens}) as here:
        summary = (await model.generate(chat, drawn)).text.strip()
        if not 0 < count(summary) <= max_tokens:
            again = ChatMessage("user", _AGAIN.format(words=words))
            chat += [ChatMessage("assistant", summary or "(nothing)"), again]
            summary = (await model.generate(chat, drawn)).text.strip()
        if not 0 < count(summary) <= max_tokens:
            got = count(summary)
            note("warning", f"expected a summary of 1 to {max_tokens} tokens, got {got}; cut")
            summary = cut(summary or text, max_tokens, count=count)
        here.set_result(summary)
    return summary


def _first_of_fullest_level(items: Sequence[MemoryItem]) -> int:
    """Where the first item of the level stands that most items have; the lower of equal levels."""
    sizes = Counter(item.level for item in items)
    fullest = min(sizes, key=lambda level: (-sizes[level], level))
    return next(place for place, item in enumerate(items) if item.level == fullest)
