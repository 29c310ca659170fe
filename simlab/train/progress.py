"""What a training job says of itself, as it goes and when it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        phase: ``"reference"`` while the reference scores all samples, ``"train"`` from then on.
        done: Samples that were scored, or steps that were taken.
        total: Of all of them.
        n_tokens: Tokens that were trained on so far, prompts included.
        loss: Of the last step; None before the first.
    """

    phase: Literal["reference", "train"]
    done: int
    total: int
    n_tokens: int = 0
    loss: float | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step of the optimiser.

    Attributes:
        loss: The mean over the step's batch, before the step.
        grad_norm: Length of the gradient, before it was cut.
        learning_rate: Of the step.
        kl: KTO's anchor, in nats; 0 for other losses.
    """

    loss: float
    grad_norm: float
    learning_rate: float
    kl: float = 0.0


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a job came to.

    Attributes:
        steps: In order.
        n_samples: In the dataset.
        n_targets: Tokens that were learnt from in an epoch.
        n_tokens: Tokens that were trained on in all epochs, prompts included.
        wall_s: How long it took, in seconds.
    """

    steps: tuple[StepReport, ...]
    n_samples: int
    n_targets: int
    n_tokens: int
    wall_s: float
