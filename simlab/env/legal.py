"""What a world's `step` is given, checked against what the world asked for."""

from collections.abc import Mapping
from typing import Any

from simlab.env.environment import Seat, TimeStep, Wait
from simlab.env.spaces import admit
from simlab.errors import IllegalAction, SimlabError, UnfitAnswerError


class EpisodeOverError(SimlabError):
    """A world is stepped that is over, or was never reset."""


def legal_actions(timestep: TimeStep, actions: Mapping[Seat, Any]) -> dict[Seat, Any]:
    """The actions that a world may go on with, in sorted seat order; every world's first line.

    Args:
        timestep: What the world said last.
        actions: What `step` was given.

    Raises:
        IllegalAction: A seat acts that was not asked; one that was asked does not, though the world
            set no time at which to be stepped without it; or an action is not legal.
        EpisodeOverError: There is nothing to act on.
    """
    if timestep.over:
        raise EpisodeOverError(f"expected an episode under way, got actions {actions!r}; reset it")
    for seat in actions:
        if seat not in timestep.requests:
            asked = tuple(timestep.requests)
            raise IllegalAction.of(seat, f"expected an action of one of {asked!r}, got {seat!r}")
    for seat, request in timestep.requests.items():
        if request.required and seat not in actions and timestep.wake is None:
            raise IllegalAction.of(seat, f"expected an action of {seat!r}, got none")
    return {seat: _legal(seat, timestep, actions[seat]) for seat in sorted(actions)}


def _legal(seat: Seat, timestep: TimeStep, action: Any) -> Any:
    if isinstance(action, Wait):
        raise IllegalAction.of(seat, f"expected an action of {seat!r}, got {action!r}")
    try:
        return admit(timestep.requests[seat], action)
    except UnfitAnswerError as error:
        raise IllegalAction.of(seat, error.message) from error
