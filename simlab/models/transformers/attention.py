"""Attention of many sequences side by side, each computed as if it were alone.

The tokens of all sequences lie end to end in one row, without padding, so that every matrix product
of the model is one large one. Only attention is computed sequence by sequence, and in blocks cut at
absolute positions: so the shapes, and with them the last bit of the results, depend on nothing but
the sequence itself.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from simlab.errors import ConfigError

ATTENTION = "simlab_side_by_side"
"""The name under which transformers finds `attend`."""

BLOCK = 64
"""Positions that are attended from at once. A prefix is reused up to a whole block."""

_UNSUPPORTED = ("softcap", "s_aux", "position_bias")
"""Arguments that change the result of attention and that `attend` does not know."""


class KeyValues:
    """The keys and values of one sequence in every layer.

    Args:
        capacity: The most tokens that it can hold.

    Attributes:
        length: The tokens that it holds.
    """

    __slots__ = ("_layers", "capacity", "length")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.length = 0
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}

    def write(self, layer: int, start: int, key: Tensor, value: Tensor) -> None:
        """Set what one layer holds from position `start` on; both are ``(heads, tokens, dim)``."""
        if layer not in self._layers:
            self._layers[layer] = (self._room(key), self._room(value))
        stop = start + key.shape[1]
        for kept, new in zip(self._layers[layer], (key, value), strict=True):
            kept[:, start:stop] = new

    def read(self, layer: int, stop: int) -> tuple[Tensor, Tensor]:
        """The first `stop` keys and values of one layer, ``(heads, stop, dim)``, not copied."""
        keys, values = self._layers[layer]
        return keys[:, :stop], values[:, :stop]

    def copy(self, length: int, capacity: int) -> "KeyValues":
        """A cache of its own that begins with the first `length` tokens of this one."""
        new = KeyValues(capacity)
        for layer in self._layers:
            new.write(layer, 0, *self.read(layer, length))
        new.length = length
        return new

    def _room(self, like: Tensor) -> Tensor:
        return like.new_empty(like.shape[0], self.capacity, like.shape[2])


class Branch(KeyValues):
    """The keys and values of a sequence that begins with all of another, which it does not copy.

    Many can go on from one prompt: what they share is in memory once.

    Args:
        trunk: Of the other sequence; must hold no fewer tokens as long as the branch is used.
        more: The most tokens that the branch can hold beyond it.
    """

    __slots__ = ("_own", "_start", "_trunk")

    def __init__(self, trunk: KeyValues, more: int) -> None:
        super().__init__(trunk.length + more)
        self.length = self._start = trunk.length
        self._trunk = trunk
        self._own = KeyValues(more)

    def write(self, layer: int, start: int, key: Tensor, value: Tensor) -> None:
        """Set what one layer holds from position `start` on, after the trunk's."""
        self._own.write(layer, start - self._start, key, value)

    def read(self, layer: int, stop: int) -> tuple[Tensor, Tensor]:
        """The first `stop` keys and values of one layer, `stop` beyond the trunk; copied."""
        begun = self._trunk.read(layer, self._start)
        own = self._own.read(layer, stop - self._start)
        keys, values = (torch.cat(pair, dim=1) for pair in zip(begun, own, strict=True))
        return keys, values


@dataclass(slots=True, eq=False)
class Block:
    """Tokens of one sequence that attend at once.

    Attributes:
        place: Where its first token lies in the row of all sequences.
        tokens: How many there are, at most `BLOCK`.
        start: The position of its first token in its own sequence.
        cache: The keys and values of its sequence.
        masks: Additive masks by window and by query heads to a key head, shared by the layers.
    """

    place: int
    tokens: int
    start: int
    cache: KeyValues
    masks: dict[tuple[int | None, int], Tensor] = field(default_factory=dict)

    @property
    def stop(self) -> int:
        """The position after its last token."""
        return self.start + self.tokens


def cut(place: int, tokens: int, cache: KeyValues) -> Iterator[Block]:
    """The blocks of the next `tokens` tokens of a sequence, which lie at `place`."""
    done = 0
    while done < tokens:
        start = cache.length + done
        size = min(BLOCK - start % BLOCK, tokens - done)
        yield Block(place + done, size, start, cache)
        done += size


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    blocks: Sequence[Block],
    scaling: float | None = None,
    sliding_window: int | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers calls it; `query` is ``(1, heads, tokens, dim)``.

    Returns:
        ``(1, tokens, heads, dim)``; zeros for tokens that are in no block.

    Raises:
        ConfigError: The model wants a kind of attention that is not known here.
    """
    assert attention_mask is None, "transformers makes no mask for attention it does not know"
    if unknown := [name for name in _UNSUPPORTED if options.get(name) is not None]:
        raise ConfigError(
            f"{type(module).__name__} needs attention with {unknown!r}, which is not known here; "
            "serve this model with vLLM"
        )
    layer, heads = module.layer_idx, query.shape[1]
    for block in blocks:
        here = slice(block.place, block.place + block.tokens)
        block.cache.write(layer, block.start, key[0, :, here], value[0, :, here])
    result = query.new_zeros(query.shape[2], heads, value.shape[3])
    for block in blocks:
        here = slice(block.place, block.place + block.tokens)
        attended = _attend_block(layer, query[0, :, here], block, scaling, sliding_window)
        result[here] = attended.transpose(0, 1)
    return result.unsqueeze(0), None


AttentionInterface.register(ATTENTION, attend)


def _attend_block(
    layer: int, query: Tensor, block: Block, scaling: float | None, window: int | None
) -> Tensor:
    """What `query`, ``(heads, tokens, dim)``, attends to; of the same shape.

    Query heads that share a key head are computed as if they were further tokens, so that keys and
    values are never repeated in memory.
    """
    keys, values = block.cache.read(layer, block.stop)
    heads, tokens, dim = query.shape
    groups = heads // keys.shape[0]
    attended = scaled_dot_product_attention(
        query.reshape(1, keys.shape[0], groups * tokens, dim),
        keys.unsqueeze(0),
        values.unsqueeze(0),
        attn_mask=_mask(block, window, groups, query),
        scale=scaling,
    )
    return attended.view(heads, tokens, values.shape[2])


def _mask(block: Block, window: int | None, groups: int, like: Tensor) -> Tensor | None:
    """0 where a token may look, else minus infinity; None where all may look everywhere."""
    if block.tokens == 1 and (window is None or block.stop <= window):
        return None
    if (window, groups) not in block.masks:
        positions = torch.arange(block.stop, device=like.device)
        distance = positions[block.start :, None] - positions
        hidden = distance < 0 if window is None else (distance < 0) | (distance >= window)
        mask = like.new_zeros(hidden.shape).masked_fill_(hidden, -math.inf)
        block.masks[window, groups] = mask.repeat(groups, 1)
    return block.masks[window, groups]
