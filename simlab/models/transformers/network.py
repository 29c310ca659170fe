"""A causal language model that computes many sequences in one pass, each as if it were alone."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from simlab.models.transformers.adaptation import Adaptation
from simlab.models.transformers.adapter import Adapter, Shapes
from simlab.models.transformers.attention import KeyValues
from simlab.models.transformers.layout import Layout, Part

_MULTIPLES = (4, 16, 64)
"""Row counts that are tried: MKL's float32 product of 1 to 3 rows left over rounds differently from
that of 4 (seen with 1 to 16 threads on AVX2 and AVX-512), so the rows are filled up to a
multiple."""

_log = logging.getLogger(__name__)


class Network:
    """Runs a transformers model whose attention is `simlab.models.transformers.attention.attend`.

    Everything is computed on the device of the model's weights; logits come back on the CPU, where
    tokens are drawn.

    Args:
        model: A causal language model in evaluation mode.

    Attributes:
        independent: True: the logits of a sequence are the same to the last bit whatever is
            computed beside it. Found out by trying, since it depends on the machine's matrix
            products.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._multiple = _MULTIPLES[0]
        self._adaptation = Adaptation({}, self._multiple)
        self.independent = self._find_multiple()
        self._adaptation = Adaptation(self._find_layers(), self._multiple)

    @property
    def shapes(self) -> Shapes:
        """Features out and in of the linear layers that an adapter may change, by name."""
        return self._adaptation.shapes

    def is_independent(self, adapter: Adapter | None) -> bool:
        """Whether `independent` holds for sequences with this adapter too."""
        if adapter is None:
            return self.independent
        return self.independent and self._adaptation.is_independent(adapter)

    def logits(self, parts: Sequence[Part]) -> list[Tensor]:
        """Compute the parts in one pass.

        Returns:
            For each part ``(wanted, vocabulary)`` logits in float32, on the CPU.
        """
        layout = Layout.of(parts, self._multiple)
        rows = self._run(layout)[: len(layout.wanted)].float().cpu()
        for part in parts:
            part.cache.length += len(part.ids)
        laid = torch.split(rows, [parts[place].wanted for place in layout.order])
        by_place = dict(zip(layout.order, laid, strict=True))
        return [by_place[place] for place in range(len(parts))]

    @torch.inference_mode()
    def _run(self, layout: Layout) -> Tensor:
        """The logits of the wanted places, filled up to a multiple of rows like the tokens."""
        wanted = layout.wanted + [0] * (-len(layout.wanted) % self._multiple)
        with self._adaptation.of(layout.stretches):
            output = self._model(
                input_ids=self._tensor([layout.ids]),
                position_ids=self._tensor([layout.positions]),
                use_cache=False,
                logits_to_keep=self._tensor(wanted),
                blocks=layout.blocks,
            )
        logits: Tensor = output.logits[0]
        return logits

    def _tensor(self, numbers: Sequence[Any]) -> Tensor:
        return torch.tensor(numbers, dtype=torch.long, device=self._model.device)

    def _find_multiple(self) -> bool:
        """Settle on the smallest multiple of rows that makes sequences independent, if any does."""
        for self._multiple in _MULTIPLES:
            if torch.equal(self._probe(alone=True), self._probe(alone=False)):
                return True
        _log.warning(
            "this machine's matrix products depend on how many rows they have; "
            "requests that must be exact are computed one by one"
        )
        self._multiple = 1
        return False

    def _probe(self, *, alone: bool) -> Tensor:
        """Logits of a short sequence, read and then continued, alone or among seven others."""
        lengths = [5] if alone else [5, 70, 3, 1, 2, 9, 4]
        caches = [KeyValues(length + 1) for length in lengths]
        read = [
            Part([1 + (7 * place) % 13 for place in range(length)], cache)
            for length, cache in zip(lengths, caches, strict=True)
        ]
        first = self.logits(read)[0]
        second = self.logits([Part([3], cache) for cache in caches])[0]
        return torch.cat([first, second])

    def _find_layers(self) -> Mapping[str, nn.Linear]:
        """The linear layers that all tokens of a pass go through in one row, by name.

        Not so the last one, which sees the wanted tokens alone, nor those of experts.
        """
        found: dict[str, nn.Linear] = {}
        n_tokens = 2 * self._multiple  # and one is wanted, so that the last layer sees fewer

        def see(name: str, layer: nn.Linear, inputs: tuple[Tensor, ...]) -> None:
            if inputs[0].shape[:-1] == (1, n_tokens):
                found[name] = layer

        hooks = [
            module.register_forward_pre_hook(partial(see, name))
            for name, module in self._model.named_modules()
            if type(module) is nn.Linear
        ]
        self.logits([Part([1] * n_tokens, KeyValues(n_tokens))])
        for hook in hooks:
            hook.remove()
        return found
