"""What a judge says of an episode or of a part of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Score:
    """A judgement, or the lack of one.

    Attributes:
        value: In the judge's own units, or None where it is missing: a judge that does not answer
            in the words of its scale has judged nothing.
        distribution: Probability of each label given that one of them is answered; sums to 1.
            Empty where the judge has no labels.
        mass: Probability that any label is answered, in ``[0, 1]``; 1 where no labels are weighed.
        reason: In words; may be empty.
        by_criterion: The part of each criterion, in the judge's units.
    """

    value: float | None
    distribution: Mapping[str, float] = field(default_factory=dict)
    mass: float = 1.0
    reason: str = ""
    by_criterion: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_missing(self) -> bool:
        """Whether there is no value."""
        return self.value is None

    @property
    def likeliest(self) -> str | None:
        """The label of the highest probability, the first of equals; None without labels."""
        return max(self.distribution, key=self.distribution.__getitem__, default=None)
