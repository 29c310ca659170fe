"""What a judge says of an episode or of a part of one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

from simlab.errors import JudgeError


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


def score_of(judge: str, given: Any) -> Score:
    """The score that a judge gave, be it a `Score` or a bare number.

    Args:
        judge: Its name, for the message.
        given: Its answer.

    Raises:
        JudgeError: It is neither, or its value is not finite; a score is missing only where a judge
            says that it is.
    """
    score = given if isinstance(given, Score) else Score(given)
    if isinstance(given, Score) and given.is_missing:
        return given
    if isinstance(score.value, Real) and math.isfinite(score.value):
        return replace(score, value=float(score.value))
    raise JudgeError(
        f"judge {judge!r} must give a Score or a finite number, got {given!r}; "
        "where it has none let it give Score(None)"
    )
