"""What a judge gives, made a score."""

import math
from dataclasses import replace
from numbers import Real
from typing import Any

from simlab.env.score import Score
from simlab.errors import JudgeError


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
