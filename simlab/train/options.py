"""How a model is trained: the settings of an adapter and of what it learns by."""

import math
from dataclasses import dataclass, field
from typing import Literal

LossName = Literal["sft", "kto", "dpo"]

Anchor = Literal["previous", "base"]

Schedule = Literal["constant", "linear", "cosine"]


@dataclass(frozen=True, slots=True)
class LoraOptions:
    """A LoRA adapter (Hu et al. 2021).

    Attributes:
        rank: Of its matrices.
        alpha: What it adds is multiplied by ``alpha / rank``.
        dropout: Share of its inputs that are dropped in training, in ``[0, 1)``.
        stabilised: Multiply by ``alpha / sqrt(rank)`` instead (Kalajdzievski 2023, "rsLoRA").
        targets: Names that the layers end with which it changes; empty for all linear ones but the
            last.
    """

    rank: int = 16
    alpha: float = 32
    dropout: float = 0.0
    stabilised: bool = False
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require("rank", self.rank, self.rank >= 1, "at least 1")
        _require("alpha", self.alpha, 0 < self.alpha < math.inf, "above 0")
        _require("dropout", self.dropout, 0 <= self.dropout < 1, "in [0, 1)")


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What an adapter learns by, and how long.

    Attributes:
        loss: ``"sft"`` learns all samples by heart, ``"kto"`` is drawn to those labelled True and
            away from those labelled False, ``"dpo"`` prefers the chosen of each pair.
        learning_rate: Of AdamW; see `decayed` for that of a later round.
        epochs: How often each sample is learnt from.
        batch_size: Samples of a step, or pairs.
        micro_tokens: Tokens that are computed at once, padding included.
        max_grad_norm: Longer gradients are cut to this length.
        weight_decay: Of AdamW.
        schedule: How the learning rate goes on after the warm-up: as it is, or down to 0.
        warmup: Share of the steps in which the learning rate rises to its full height.
        beta: How strongly KTO and DPO hold to the reference.
        target_ratio: Of the summed weights of desirable to undesirable samples in KTO.
        start: What is trained on: the previous version, or a new adapter on the base.
        anchor: The reference of KTO and DPO.
        checkpointing: True: compute activations twice and so hold fewer of them.
        seed: Of the adapter's first weights, of shuffles and dropout.
        lora: The adapter.
    """

    loss: LossName = "sft"
    learning_rate: float = 2e-5
    epochs: int = 1
    batch_size: int = 16
    micro_tokens: int = 4096
    max_grad_norm: float = 1.0
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    warmup: float = 0.0
    beta: float = 0.1
    target_ratio: float = 1.05
    start: Anchor = "previous"
    anchor: Anchor = "previous"
    checkpointing: bool = False
    seed: int = 0
    lora: LoraOptions = field(default_factory=LoraOptions)

    def __post_init__(self) -> None:
        for name in ("learning_rate", "max_grad_norm", "beta", "target_ratio"):
            value = getattr(self, name)
            _require(name, value, 0 < value < math.inf, "above 0")
        for name in ("epochs", "batch_size", "micro_tokens"):
            value = getattr(self, name)
            _require(name, value, value >= 1, "at least 1")
        _require("weight_decay", self.weight_decay, self.weight_decay >= 0, "at least 0")
        _require("warmup", self.warmup, 0 <= self.warmup < 1, "in [0, 1)")
        _require_one_of("loss", self.loss, ("sft", "kto", "dpo"))
        _require_one_of("schedule", self.schedule, ("constant", "linear", "cosine"))
        for name in ("start", "anchor"):
            _require_one_of(name, getattr(self, name), ("previous", "base"))

    def rate_at(self, step: int, n_steps: int) -> float:
        """The learning rate of a step, from 0, of so many."""
        n_warmup = round(self.warmup * n_steps)
        if step < n_warmup:
            return self.learning_rate * (step + 1) / n_warmup
        share = (step - n_warmup) / max(1, n_steps - n_warmup)
        match self.schedule:
            case "linear":
                return self.learning_rate * (1 - share)
            case "cosine":
                return self.learning_rate * (1 + math.cos(math.pi * share)) / 2
            case _:
                return self.learning_rate


def decayed(learning_rate: float, factor: float, n_rounds: int) -> float:
    """The learning rate after so many rounds, each of which multiplies it by `factor`."""
    return learning_rate * factor**n_rounds


def undesirable_weight(n_desirable: int, n_undesirable: int, target_ratio: float = 1.05) -> float:
    """What an undesirable sample weighs in KTO beside a desirable one of weight 1.

    ``n_desirable / (n_undesirable * target_ratio)``, so that the sums of the weights have the
    target ratio (Ethayarajh et al. 2024, section 4.2); 1 where one of the kinds is missing.
    """
    if not (n_desirable and n_undesirable):
        return 1.0
    return n_desirable / (n_undesirable * target_ratio)


def _require(name: str, value: float, fits: object, wanted: str) -> None:
    if not fits:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")


def _require_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {known!r}, got {value!r}")
