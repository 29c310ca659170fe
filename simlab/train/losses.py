"""Losses over the log-probabilities of targets; the mean of each agrees with TRL's.

A loss comes as a sum with its size, so that micro-batches of any size add up to the mean over all.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


@dataclass(frozen=True, slots=True)
class Scored:
    """A batch of samples as the model scores them.

    Attributes:
        logprobs: ``(rows, positions)``, of the targets; 0 elsewhere.
        mask: ``(rows, positions)``, True at targets.
        weight: ``(rows,)``.
        label: ``(rows,)``, True for what is desirable or chosen.
        reference: ``(rows,)``, each row's log-probability by the reference, summed over targets;
            zeros where a loss needs none.
    """

    logprobs: Tensor
    mask: Tensor
    weight: Tensor
    label: Tensor
    reference: Tensor

    def ratios(self) -> Tensor:
        """``(rows,)``: log of how much likelier each row is than by the reference."""
        return self.logprobs.sum(1) - self.reference


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss over a part of a batch.

    Attributes:
        total: Scalar, with a gradient.
        size: What it is divided by to get the mean.
    """

    total: Tensor
    size: float

    @property
    def mean(self) -> Tensor:
        """Over this part alone."""
        return self.total / self.size


def token_logprobs(logits: Tensor, ids: Tensor) -> Tensor:
    """The log-probability of each token.

    Args:
        logits: ``(rows, positions, vocabulary)``, of any floating type.
        ids: ``(rows, positions)``, the token that stands behind each position.

    Returns:
        ``(rows, positions)`` in float32.
    """
    logits = logits.float()
    chosen = logits.gather(-1, ids.unsqueeze(-1)).squeeze(-1)
    return chosen - logits.logsumexp(-1)


def sft_loss(batch: Scored) -> Loss:
    """Cross-entropy of the targets, each row by its weight; the mean is over weighted targets."""
    per_row = -batch.logprobs.sum(1)
    size = (batch.weight * batch.mask.sum(1)).sum()
    return Loss((batch.weight * per_row).sum(), float(size))


def kto_loss(batch: Scored, *, beta: float, kl: float, undesirable: float) -> Loss:
    """Kahneman-Tversky optimisation (Ethayarajh et al. 2024, eq. 7 and 8); the mean is over rows.

    Args:
        batch: Rows labelled as desirable or not.
        beta: How strongly the reference is held to.
        kl: What the model is away from the reference, in nats; see `kl_estimate`.
        undesirable: What a row weighs that is not desirable, where a desirable one weighs 1.
    """
    ratios = batch.ratios()
    gain = 1 - torch.sigmoid(beta * (ratios - kl))
    pain = undesirable * (1 - torch.sigmoid(beta * (kl - ratios)))
    losses = torch.where(batch.label, gain, pain)
    return Loss((batch.weight * losses).sum(), len(losses))


def kl_estimate(policy: Tensor, reference: Tensor) -> float:
    """KTO's anchor: how much likelier replies to other prompts are than by the reference, or 0.

    The mean over rows of prompts with replies that are not theirs, never negative
    (Ethayarajh et al. 2024, section 4.1).

    Args:
        policy: ``(rows,)``, log-probabilities by the model, summed over targets.
        reference: ``(rows,)``, the same by the reference.
    """
    return max(0.0, float((policy - reference).mean()))


def dpo_loss(batch: Scored, *, beta: float) -> Loss:
    """Direct preference optimisation (Rafailov et al. 2023, eq. 7); the mean is over pairs.

    Args:
        batch: Rows in pairs, each a chosen one and then the rejected one; a pair weighs what its
            chosen row does.
        beta: How strongly the reference is held to.
    """
    ratios = batch.ratios()
    losses = -logsigmoid(beta * (ratios[0::2] - ratios[1::2]))
    return Loss((batch.weight[0::2] * losses).sum(), len(losses))
