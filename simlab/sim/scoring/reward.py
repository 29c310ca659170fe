"""The reward of a trajectory: one score made of those of its turns."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from simlab.env.score import Score
from simlab.trace.trajectory import Trajectory

MissingTurns = Literal["missing", "skip"]


def scores_in(trajectory: Trajectory) -> list[Score]:
    """What a seat answered that is asked for scores, turn after turn.

    The k-th belongs with the k-th action of the seat that is judged.

    Args:
        trajectory: Of a preference or influence seat.

    Raises:
        ValueError: One of its actions is no score.
    """
    acts = [turn.acted.action for turn in trajectory.turns if turn.acted is not None]
    return [_score(trajectory, action) for action in acts]


def aggregated(
    scores: Sequence[Score],
    how: Literal["mean", "last"] = "mean",
    *,
    missing: MissingTurns = "missing",
) -> Score:
    """One score of those of the turns.

    Args:
        scores: In the order of the turns.
        how: Their mean, or the last one alone.
        missing: What becomes of turns without a value: ``missing`` makes the whole missing where
            one counts, ``skip`` leaves them out.

    Returns:
        A score whose mass is the least of those that count; missing where none do.

    Raises:
        ValueError: `how` or `missing` is none of these.
    """
    _check("how", how, ("mean", "last"))
    _check("missing", missing, ("missing", "skip"))
    counted = [score for score in scores if missing == "missing" or not score.is_missing]
    counted = counted[-1:] if how == "last" else counted
    values = [score.value for score in counted if score.value is not None]
    mass = min((score.mass for score in counted), default=0.0)
    if not values or len(values) < len(counted):
        return Score(None, mass=mass)
    return Score(math.fsum(values) / len(values), mass=mass)


def _score(trajectory: Trajectory, action: Any) -> Score:
    try:
        return msgspec.convert(action, Score)
    except msgspec.ValidationError as error:
        raise ValueError(
            f"seat {trajectory.seat!r} of episode {trajectory.episode} must answer with scores, "
            f"got {action!r}"
        ) from error


def _check(name: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise ValueError(f"{name} must be one of {tuple(known)!r}, got {given!r}")
