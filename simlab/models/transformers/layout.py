"""Where the tokens of many sequences lie in the one row that a pass computes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from simlab.models.transformers.adaptation import Stretch
from simlab.models.transformers.adapter import Adapter
from simlab.models.transformers.attention import BLOCK, Block, KeyValues, cut


@dataclass(frozen=True, slots=True)
class Part:
    """The next tokens of one sequence.

    Attributes:
        ids: Tokens that follow those that the cache holds; at least one.
        cache: The keys and values of the sequence, which grow by these tokens.
        wanted: Of how many of the last tokens the logits are wanted.
        adapter: What the sequence is computed with; None for the base weights alone.
    """

    ids: Sequence[int]
    cache: KeyValues
    wanted: int = 1
    adapter: Adapter | None = None


def next_part(
    ids: Sequence[int],
    cache: KeyValues,
    budget: int,
    *,
    wanted_from: int,
    adapter: Adapter | None = None,
) -> Part | None:
    """The tokens of a sequence to compute next; None if there are none or the budget is too small.

    Args:
        ids: The whole sequence.
        cache: What was computed of it.
        budget: The most tokens; what is longer is cut at the end of a block.
        wanted_from: The place of the first token after which the logits are wanted.
        adapter: What it is computed with.
    """
    start, stop = cache.length, len(ids)
    if stop - start > budget:
        stop = (start + budget) // BLOCK * BLOCK
    if stop <= start:
        return None
    wanted = max(0, stop - max(start, wanted_from))
    return Part(ids[start:stop], cache, wanted, adapter)


@dataclass(slots=True)
class Layout:
    """Parts laid end to end; those of one adapter lie together, filled up to a multiple of tokens.

    Attributes:
        multiple: Of tokens, see `simlab.models.transformers.network`.
        order: The places of the parts as they were given, in the order in which they lie.
        ids: Of the tokens.
        positions: Of the tokens in their own sequences.
        blocks: The tokens that attend at once.
        wanted: Where the tokens lie of which the logits are wanted.
        stretches: What is computed with which adapter.
    """

    multiple: int
    order: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)

    @classmethod
    def of(cls, parts: Sequence[Part], multiple: int) -> "Layout":
        """The layout of some parts; those without an adapter lie first."""
        by_adapter: dict[Adapter | None, list[int]] = {None: []}
        for place, part in enumerate(parts):
            by_adapter.setdefault(part.adapter, []).append(place)
        layout = cls(multiple)
        for adapter, places in by_adapter.items():
            start = len(layout.ids)
            for place in places:
                layout._lay(place, parts[place])
            layout._fill()
            if adapter is not None:
                layout.stretches.append(Stretch(start, len(layout.ids), adapter))
        return layout

    def _lay(self, place: int, part: Part) -> None:
        self.order.append(place)
        self.blocks += cut(len(self.ids), len(part.ids), part.cache)
        self.positions += range(part.cache.length, part.cache.length + len(part.ids))
        self.ids += part.ids
        self.wanted += range(len(self.ids) - part.wanted, len(self.ids))

    def _fill(self) -> None:
        filler = [0] * (-len(self.ids) % self.multiple)
        self.ids += filler
        self.positions += filler
