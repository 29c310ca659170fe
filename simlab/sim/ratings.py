"""Ratings in play: what seats answered that are asked for scores, and get no rewards for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from simlab.env.environment import Seat
from simlab.sim.scoring.reward import aggregated, scores_in
from simlab.trace.log import Log
from simlab.trace.trajectory import Trajectory, read_fold

_PICKS_STATES = "transition"
"""The seat of dialogues whose scores are the numbers of states, of which a mean says nothing."""


def ratings_in(log: Log, episode: int) -> dict[Seat, float | None]:
    """The mean rating that each seat gave in an episode, by seat; others are left out.

    Args:
        log: Of the run.
        episode: Its number.

    Returns:
        On the seat's own scale, of the turns with a value; None where all are missing.
    """
    trajectories = read_fold(log, episode).trajectories()
    return {
        seat: aggregated(scores_in(trajectory), missing="skip").value
        for seat, trajectory in sorted(trajectories.items())
        if seat != _PICKS_STATES and _rates(trajectory)
    }


def _rates(trajectory: Trajectory) -> bool:
    """Whether all that a seat did was to give scores."""
    actions: Sequence[Any] = [t.acted.action for t in trajectory.turns if t.acted is not None]
    return bool(actions) and all(
        isinstance(action, Mapping) and action.get("_type") == "Score" for action in actions
    )
