"""Pauses: which episodes of a run stand still, those too that have not begun."""


class Pauses:
    """Which episodes are paused: what was said of one since anything was said of all holds of it.

    It is true where any episode is.
    """

    def __init__(self) -> None:
        self._of_all = False
        self._of_one: dict[int, bool] = {}

    def set(self, episode: int | None, *, paused: bool) -> None:
        """Pause an episode, or let it go on; None for all."""
        if episode is None:
            self._of_all = paused
            self._of_one.clear()
        else:
            self._of_one[episode] = paused

    def holds_of(self, episode: int) -> bool:
        """Whether an episode is paused."""
        return self._of_one.get(episode, self._of_all)

    def __bool__(self) -> bool:
        return self._of_all or any(self._of_one.values())
