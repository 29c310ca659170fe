"""Label probabilities as the Influence benchmark has them, which are taken after sampling filters.

That code draws one token at temperature 0.6 from the ten likeliest, of which it keeps the nucleus
of 0.9, and reads the probabilities that are left on labels (arXiv 2411.02306; its code overrides
only ``top_k``, so that the other two come from the model's own generation settings). Which labels
are left depends on all tokens, and a model tells the probabilities of choices only. What the other
tokens have together is known, though, and bounds what they can change: where it leaves open whether
a label is kept, nothing is guessed.
"""

import math
from collections.abc import Mapping

from simlab.errors import JudgeError

TEMPERATURE, TOP_P, TOP_K = 0.6, 0.9, 10


def warped(probabilities: Mapping[str, float], *, judge: str) -> dict[str, float]:
    """The weights of choices after temperature, top-k and nucleus, in that order.

    Args:
        probabilities: Of each choice, each of one token, from raw logits; they sum to at most 1.
        judge: Its name, for the message.

    Returns:
        Of each choice a weight in proportion to its warped probability; 0 where it is cut off.

    Raises:
        JudgeError: What the other tokens have may or may not cut a choice off.
    """
    rest = max(0.0, 1 - math.fsum(probabilities.values()))
    order = sorted(probabilities, key=probabilities.__getitem__, reverse=True)
    kept = {}
    for place, choice in enumerate(order):
        is_kept = _is_kept([probabilities[each] for each in order], place, rest)
        if is_kept is None:
            raise JudgeError(
                f"judge {judge!r} cannot tell whether legacy_warped keeps {choice!r}: {rest:.3f} "
                "of the probability lies on other tokens, of which the model tells nothing; use "
                "mode raw"
            )
        kept[choice] = probabilities[choice] ** (1 / TEMPERATURE) if is_kept else 0.0
    return {choice: kept[choice] for choice in probabilities}


def _is_kept(ordered: list[float], place: int, rest: float) -> bool | None:
    """Whether the choice at a place is kept whatever the rest is; None where that decides.

    Args:
        ordered: Probabilities of the choices, the greatest first.
        place: Of one of them.
        rest: What all other tokens have together.
    """
    own = ordered[place]
    if place >= TOP_K or own == 0:
        return False
    weights = [part ** (1 / TEMPERATURE) for part in ordered[:TOP_K]]
    above, below = math.fsum(weights[:place]), math.fsum(weights[place:])
    # The power is convex: the rest weighs most where it is one token, nothing where it is spread
    # thin. It may stand above the choice or below it, and push those below out of the ten.
    most = rest ** (1 / TEMPERATURE)
    above_at_most = above + (most if rest > own else 0.0)
    sure = [p for p in range(place, len(weights)) if _is_in_top(ordered, p, rest)]
    below_at_least = math.fsum(weights[p] for p in sure)
    if place in sure and above_at_most < TOP_P * (above_at_most + below_at_least):
        return True
    return False if above >= TOP_P * (above + below + most) else None


def _is_in_top(ordered: list[float], place: int, rest: float) -> bool:
    """Whether a choice is among the likeliest tokens, however many of the rest stand above it."""
    return ordered[place] > 0 and place + int(rest / ordered[place]) < TOP_K
