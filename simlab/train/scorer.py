"""Scores samples: the log-probability of each target, from forward passes over padded batches."""

import inspect
from collections.abc import Sequence
from itertools import compress
from typing import Any

import torch
from torch import Tensor

from simlab.train.batches import micro_batches
from simlab.train.losses import token_logprobs
from simlab.train.sample import Sample

Logprobs = tuple[float, ...]
"""Of the targets of a sample, in order."""


class Scorer:
    """Scores samples with a model as it is at the moment.

    Args:
        model: A causal language model of transformers, be it wrapped by PEFT.
        max_tokens: That are computed at once, padding included.
    """

    def __init__(self, model: Any, *, max_tokens: int) -> None:
        self._model = model
        self._max_tokens = max_tokens
        bare = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._keeps = "logits_to_keep" in inspect.signature(bare.forward).parameters

    def score(self, samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
        """Score samples in one pass, through which gradients flow where they are wanted.

        Logits, which are most of the memory, are computed only at positions that some sample has a
        target behind.

        Returns:
            ``(rows, positions)`` each: log-probabilities of the targets with 0 elsewhere, and True
            at targets.
        """
        device = self._model.device
        ids, mask, known = (one.to(device) for one in _padded(samples))
        places = mask[:, 1:].any(0).nonzero().squeeze(1)
        kept = {"logits_to_keep": places} if self._keeps else {}
        found = self._model(
            input_ids=ids[:, :-1], attention_mask=known[:, :-1], use_cache=False, **kept
        ).logits
        logits = found if self._keeps else found[:, places]
        mask = mask[:, 1:][:, places]
        logprobs = token_logprobs(logits, ids[:, 1:][:, places])
        return logprobs.masked_fill(~mask, 0.0), mask

    def logprobs(self, samples: Sequence[Sample]) -> list[Logprobs]:
        """The log-probability of each target of each sample, without gradients or dropout."""
        found: dict[int, Logprobs] = {}
        for places in self._batches(samples):
            rows, mask = self._evaluate([samples[place] for place in places])
            for place, row, marks in zip(places, rows.tolist(), mask.tolist(), strict=True):
                found[place] = tuple(compress(row, marks))
        return [found[place] for place in range(len(samples))]

    def sums(self, samples: Sequence[Sample]) -> list[float]:
        """The log-probability of all targets of each sample, as `logprobs` gives them."""
        found: dict[int, float] = {}
        for places in self._batches(samples):
            rows, _ = self._evaluate([samples[place] for place in places])
            found.update(zip(places, rows.sum(1).tolist(), strict=True))
        return [found[place] for place in range(len(samples))]

    def _batches(self, samples: Sequence[Sample]) -> list[list[int]]:
        lengths = [len(sample.ids) for sample in samples]
        return micro_batches([(n,) for n in range(len(samples))], lengths, self._max_tokens)

    def _evaluate(self, samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
        was_training = self._model.training
        self._model.eval()
        try:
            with torch.inference_mode():
                return self.score(samples)
        finally:
            self._model.train(was_training)


def _padded(samples: Sequence[Sample]) -> tuple[Tensor, Tensor, Tensor]:
    """``(rows, longest)`` each: ids, True at targets, and 1 where there is a token at all."""
    shape = (len(samples), max(len(sample.ids) for sample in samples))
    ids = torch.zeros(shape, dtype=torch.int64)
    mask = torch.zeros(shape, dtype=torch.bool)
    known = torch.zeros(shape, dtype=torch.int64)
    for row, sample in enumerate(samples):
        n = len(sample.ids)
        ids[row, :n] = torch.tensor(sample.ids)
        mask[row, :n] = torch.tensor(sample.mask)
        known[row, :n] = 1
    return ids, mask, known
