"""Turn numbers: how manieth of its name a turn is in a step."""


class TurnNumbers:
    """Counts the turns of each actor in the step that it is in."""

    __slots__ = ("_turns",)

    def __init__(self) -> None:
        self._turns: dict[tuple[str, str], tuple[int, int]] = {}

    def next(self, actor: str, step: int, part: str) -> int:
        """How many turns of this name the actor has begun in the step before; counts this one."""
        last, n_begun = self._turns.get((actor, part), (-1, 0))
        n_before = n_begun if last == step else 0
        self._turns[actor, part] = (step, n_before + 1)
        return n_before
