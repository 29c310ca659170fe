"""A causal language model that computes many sequences in one pass, each as if it were alone."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from simlab.models.transformers.attention import Block, KeyValues, cut

_MULTIPLES = (4, 16, 64)
"""Row counts that are tried: MKL's float32 product of 1 to 3 rows left over rounds differently from
that of 4 (seen with 1 to 16 threads on AVX2 and AVX-512), so the rows are filled up to a
multiple."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """The next tokens of one sequence.

    Attributes:
        ids: Tokens that follow those that the cache holds; at least one.
        cache: The keys and values of the sequence, which grow by these tokens.
        wanted: Of how many of the last tokens the logits are wanted.
    """

    ids: Sequence[int]
    cache: KeyValues
    wanted: int = 1


class Network:
    """Runs a transformers model whose attention is `simlab.models.transformers.attention.attend`.

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
        self.independent = self._find_multiple()

    def logits(self, parts: Sequence[Part]) -> list[Tensor]:
        """Compute the parts in one pass.

        Returns:
            For each part ``(wanted, vocabulary)`` logits in float32.
        """
        ids: list[int] = []
        positions: list[int] = []
        blocks: list[Block] = []
        wanted: list[int] = []
        for part in parts:
            blocks += cut(len(ids), len(part.ids), part.cache)
            positions += range(part.cache.length, part.cache.length + len(part.ids))
            ids += part.ids
            wanted += range(len(ids) - part.wanted, len(ids))
        rows = self._run(ids, positions, blocks, wanted)
        for part in parts:
            part.cache.length += len(part.ids)
        return list(torch.split(rows[: len(wanted)].float(), [part.wanted for part in parts]))

    @torch.inference_mode()
    def _run(
        self, ids: list[int], positions: list[int], blocks: list[Block], wanted: list[int]
    ) -> Tensor:
        """The logits of the `wanted` places, filled up to a multiple of rows like the tokens."""
        filler = [0] * (-len(ids) % self._multiple)
        wanted_filler = [0] * (-len(wanted) % self._multiple)
        output = self._model(
            input_ids=torch.tensor([ids + filler]),
            position_ids=torch.tensor([positions + filler]),
            use_cache=False,
            logits_to_keep=torch.tensor(wanted + wanted_filler, dtype=torch.long),
            blocks=blocks,
        )
        logits: Tensor = output.logits[0]
        return logits

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
