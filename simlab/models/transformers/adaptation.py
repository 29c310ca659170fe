"""Adapters at work: low-rank products added to some tokens of a pass and not to others."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from simlab.models.transformers.adapter import Adapter, LowRank, Shapes

_ROWS_TRIED = (20, 512)
"""Row counts at which products are compared with those of few rows."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tokens that lie side by side and are computed with one adapter.

    Attributes:
        start: Where the first of them lies.
        stop: Where the first one after them lies.
        adapter: The adapter.
    """

    start: int
    stop: int
    adapter: Adapter


@dataclass(frozen=True, slots=True)
class _Placed:
    """An adapter where the weights are, in their type."""

    layers: Mapping[str, LowRank]
    independent: bool


class Adaptation:
    """Adds the products of adapters to what a model's linear layers compute.

    Args:
        layers: The linear layers that an adapter may change, by name. All tokens of a pass must go
            through them in one row.
        multiple: Stretches have a multiple of this many tokens.
    """

    def __init__(self, layers: Mapping[str, nn.Linear], multiple: int) -> None:
        self._layers = layers
        self._multiple = multiple
        self._placed: WeakKeyDictionary[Adapter, _Placed] = WeakKeyDictionary()
        self._steady: dict[tuple[torch.Size, torch.Size], bool] = {}
        self._hooked: set[str] = set()
        self._stretches: Sequence[Stretch] = ()

    @property
    def shapes(self) -> Shapes:
        """Features out and in of the layers, by name."""
        return {
            name: (layer.out_features, layer.in_features) for name, layer in self._layers.items()
        }

    def is_independent(self, adapter: Adapter) -> bool:
        """Whether its products of a row are the same to the last bit whatever rows are beside it.

        Found out by trying, since it depends on the machine's matrix products.
        """
        return self._place(adapter).independent

    @contextmanager
    def of(self, stretches: Sequence[Stretch]) -> Iterator[None]:
        """In the block, a pass is computed with the adapters of these stretches of its tokens."""
        self._stretches = stretches
        for stretch in stretches:
            self._hook(self._place(stretch.adapter).layers)
        try:
            yield
        finally:
            self._stretches = ()

    def _place(self, adapter: Adapter) -> _Placed:
        if adapter not in self._placed:
            layers = {
                name: _like(low_rank, self._layers[name].weight)
                for name, low_rank in adapter.layers.items()
            }
            steady = all(map(self._is_steady, layers.values()))
            self._placed[adapter] = _Placed(layers, independent=steady)
        return self._placed[adapter]

    def _is_steady(self, low_rank: LowRank) -> bool:
        """Whether products of such shapes are the same in one multiple of rows and in several."""
        shapes = (low_rank.down.shape, low_rank.up.shape)
        if shapes not in self._steady:
            self._steady[shapes] = _try_rows(low_rank, self._multiple)
        return self._steady[shapes]

    def _hook(self, names: Mapping[str, LowRank]) -> None:
        for name in names.keys() - self._hooked:
            self._layers[name].register_forward_hook(partial(self._add, name))
            self._hooked.add(name)

    def _add(self, name: str, _: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Add to a layer's output, ``(1, tokens, features)``, in place."""
        for stretch in self._stretches:
            low_rank = self._placed[stretch.adapter].layers.get(name)
            if low_rank is not None:
                here = slice(stretch.start, stretch.stop)
                output[0, here] += _product(low_rank, inputs[0][0, here])


def _like(low_rank: LowRank, weight: Tensor) -> LowRank:
    """The product where a weight is, in its type, with the scale taken into it."""
    up = (low_rank.up.float() * low_rank.scale).to(weight)
    return LowRank(low_rank.down.to(weight), up, 1.0)


def _product(low_rank: LowRank, rows: Tensor) -> Tensor:
    return linear(linear(rows, low_rank.down), low_rank.up)


def _try_rows(low_rank: LowRank, multiple: int) -> bool:
    """Whether rows come out the same in products of one multiple of rows and of many."""
    weight, features = low_rank.down, low_rank.down.shape[1]
    for n_rows in _ROWS_TRIED:
        numbers = torch.arange(n_rows // multiple * multiple * features, device=weight.device)
        rows = numbers.sin().to(weight).view(-1, features)
        apart = [_product(low_rank, part) for part in torch.split(rows, multiple)]
        if apart and not torch.equal(_product(low_rank, rows), torch.cat(apart)):
            return False
    return True
