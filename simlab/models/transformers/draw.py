"""Drawing tokens from logits, each sequence with a generator of its own."""

from collections.abc import Sequence

import torch
from torch import Tensor

from simlab.errors import ModelError
from simlab.models.model import Sampling

_HEAD = 512
"""Tokens looked at first for a nucleus: to sort a whole vocabulary for each token is dear."""


class Drawer:
    """Draws the tokens of one completion; the global generators are never touched.

    One number is drawn for each token and looked up in the cumulative distribution, so that the
    tokens follow from the seed and the logits alone.

    Args:
        sampling: How to draw; without a seed, the system's entropy gives one.
    """

    def __init__(self, sampling: Sampling) -> None:
        self._temperature = sampling.temperature
        self._top_p = sampling.top_p
        self._generator = torch.Generator()
        if sampling.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(sampling.seed)

    def draw(self, logits: Tensor) -> int:
        """The next token, from ``(vocabulary,)`` float32 logits."""
        if self._temperature == 0:
            return int(logits.argmax())
        probabilities = (logits.double() / self._temperature).softmax(0)
        if self._top_p == 1:
            return self._look_up(probabilities)
        kept, tokens = _nucleus(probabilities, self._top_p)
        return int(tokens[self._look_up(kept)])

    def _look_up(self, weights: Tensor) -> int:
        """A place in `weights`, each as probable as its share of their sum."""
        cumulative = weights.cumsum(0)
        number = torch.rand((), generator=self._generator, dtype=torch.float64)
        place = int(torch.searchsorted(cumulative, number * cumulative[-1], right=True))
        return min(place, len(weights) - 1)


def check_numbers(logits: Tensor) -> None:
    """See that logits can be drawn from.

    Raises:
        ModelError: Some are not numbers.
    """
    if logits.isnan().any():
        raise ModelError("the model's logits are not numbers; compute in float32")


def logprobs_of(logits: Tensor, tokens: Sequence[int]) -> list[float]:
    """The log-probability of each token under its row of ``(tokens, vocabulary)`` logits.

    Of the distribution before temperature and nucleus.
    """
    picked = logits.log_softmax(1)[torch.arange(len(tokens)), torch.tensor(tokens)]
    return [float(logprob) for logprob in picked]


def _nucleus(probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The most probable tokens that together have at least `top_p`, and their ids.

    Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.
    """
    for size in (min(_HEAD, len(probabilities)), len(probabilities)):
        kept, tokens = probabilities.topk(size)
        cumulative = kept.cumsum(0)
        if cumulative[-1] >= top_p:
            break
    count = int((cumulative - kept < top_p).sum())
    return kept[:count], tokens[:count]
