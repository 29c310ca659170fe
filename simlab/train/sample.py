"""Samples: token ids with a mark on those that a model drew, as training reads them."""

import math
from dataclasses import dataclass
from itertools import compress

from simlab.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Sample:
    """A sequence of tokens of which some are learnt from.

    Attributes:
        ids: Token ids, prompts and replies alike, as the engine read and drew them.
        mask: True: the token was drawn by the model that learns, and is a target. As long as `ids`.
        logprobs: The log-probability that each target had when it was drawn; NaN where none was
            recorded, 0 beside targets. As long as `ids`.
        version: The exact version that drew all targets, such as ``"small+agent@7"``.
        role: The seat that it played.
        episode: Number of the episode in its run.
        turn: The step of the episode in which the first target was drawn.
        weight: How much the sample counts.
        label: True for what is desirable, False for what is not; None where that plays no part.
        pair: A number that a chosen and a rejected sample have in common; None without such.
    """

    ids: tuple[int, ...]
    mask: tuple[bool, ...]
    logprobs: tuple[float, ...]
    version: str = ""
    role: str = ""
    episode: int = 0
    turn: int = 0
    weight: float = 1.0
    label: bool | None = None
    pair: int | None = None

    @property
    def n_targets(self) -> int:
        """How many tokens are learnt from."""
        return sum(self.mask)

    @property
    def start(self) -> int:
        """Where the first target lies: before it there is prompt alone."""
        return self.mask.index(True)

    def target_logprobs(self) -> tuple[float, ...]:
        """The recorded log-probabilities of the targets alone."""
        return tuple(compress(self.logprobs, self.mask))

    def where(self) -> str:
        """Where it comes from, in words."""
        return f"the sample of {self.role!r} in episode {self.episode}, turn {self.turn}"


def check_sample(sample: Sample) -> None:
    """See that a sample can be learnt from.

    Raises:
        ConfigError: Nothing in it is a target, its first token is one, its parts differ in length,
            or its weight is no positive number.
    """
    lengths = (len(sample.ids), len(sample.mask), len(sample.logprobs))
    if len(set(lengths)) != 1:
        raise ConfigError(
            f"{sample.where()} must have as many ids as marks and logprobs, got {lengths!r}; make "
            "the dataset anew"
        )
    if not any(sample.mask):
        raise ConfigError(
            f"{sample.where()} must have a token to learn from, got a mask of {len(sample.mask)} "
            "that is empty; leave the sample out"
        )
    if sample.mask[0]:
        raise ConfigError(
            f"{sample.where()} must begin with a prompt, got a target as its first token, which "
            "nothing predicts"
        )
    if not (math.isfinite(sample.weight) and sample.weight > 0):
        raise ConfigError(
            f"{sample.where()} must have a weight above 0, got {sample.weight!r}; leave out what "
            "is not to count"
        )
