"""Drift: how far the log-probabilities that an engine recorded are from those of the trainer.

Both come from the same weights, so more than rounding between them tells of a wrong adapter, a
stale cache, a template that has changed or tokens that were cut anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simlab.errors import ConfigError
from simlab.train.sample import Sample

ALARM_LEVELS: Mapping[str, float] = {"float32": 1e-3, "bfloat16": 0.1, "float16": 0.1}
"""Mean drifts, in nats, above which something is wrong, by what the engine computes in. Rounding
alone stays below; how much it comes to stands under ``drift`` in the table of a training."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far recorded log-probabilities are from those computed again, in nats.

    Attributes:
        mean: Of the absolute differences.
        highest: Of them.
        n_tokens: Targets that were compared.
        level: A mean above this is an alarm.
    """

    mean: float
    highest: float
    n_tokens: int
    level: float

    @property
    def is_alarming(self) -> bool:
        """Whether engine and trainer do not compute the same model."""
        return not self.mean <= self.level


def drift(
    samples: Sequence[Sample],
    recomputed: Sequence[Sequence[float]],
    *,
    level: float = ALARM_LEVELS["float32"],
) -> Drift:
    """Compare what was recorded with what the trainer makes of the same version.

    ::

        found = drift(samples, trainer.logprobs(samples, adapter))

    Args:
        samples: With their recorded log-probabilities; targets without are left out.
        recomputed: Of each sample the log-probabilities of its targets.
        level: See `Drift`.

    Raises:
        ConfigError: No target has a recorded log-probability.
    """
    pairs = zip(samples, recomputed, strict=True)
    apart = [np.subtract(sample.target_logprobs(), found) for sample, found in pairs]
    differences = np.abs(np.concatenate(apart)) if apart else np.empty(0)
    known = differences[~np.isnan(differences)]
    if not known.size:
        raise ConfigError(
            "samples must bear recorded log-probabilities to be compared, got none; play with "
            "sampling: {logprobs: true}"
        )
    return Drift(float(known.mean()), float(known.max()), int(known.size), level)
