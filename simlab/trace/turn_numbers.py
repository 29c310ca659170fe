"""Turn numbers: how manieth of its name a turn is in a step."""

from collections import Counter


class TurnNumbers:
    """Counts the turns of each actor in the step that it is in."""

    __slots__ = ("_turns",)

    def __init__(self) -> None:
        self._turns: dict[str, tuple[int, Counter[str]]] = {}

    def next(self, actor: str, step: int, part: str) -> int:
        """How many turns of this name the actor has begun in the step before; counts this one."""
        last, begun = self._turns.get(actor, (-1, None))
        if begun is None or last != step:
            begun = Counter()
            self._turns[actor] = (step, begun)
        begun[part] += 1
        return begun[part] - 1
