"""Status: where a live episode stands, for those who are about to command it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EpisodeStatus:
    """Where a live episode stands.

    Attributes:
        episode: Its number.
        step: The step that it is in; None between two, and before the first.
        paused: Whether it stands still at the top of its next step.
        stands: Whether it does so now.
        asked: The seats that may act in the step.
        acting: Those that are at their acts.
    """

    episode: int
    step: int | None
    paused: bool = False
    stands: bool = False
    asked: tuple[str, ...] = ()
    acting: tuple[str, ...] = ()
