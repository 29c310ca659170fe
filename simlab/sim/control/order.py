"""Orders: commands that change what happens in an episode, on their way to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

OrderKind = Literal["say", "edit", "lease"]

ACTOR = "control"
"""Under which orders are recorded, and the kind of their effects and notes."""

BEFORE, DURING = "before", "during"
"""Whether an order was carried out at the top of a step, or while seats were at their acts."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command that changes what happens; once it is carried out, it is an effect.

    Attributes:
        id: One of its kind over the life of the run, so that no order is carried out twice.
        kind: ``say``: the seat does that; ``edit``: other options hold of it, its model among them;
            ``lease``: a person takes it.
        seat: Which.
        args: What of it, plain data: ``text``; ``options`` and ``models``; ``who``, ``lapse`` and
            ``after_s``.
        nth: Which of the seat's acts it breaks off, from 1; 0 for none.
    """

    id: str
    kind: OrderKind
    seat: str
    args: Mapping[str, Any] = field(default_factory=dict)
    nth: int = 0

    def as_dict(self) -> dict[str, Any]:
        """It as plain data."""
        return asdict(self)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """The order that plain data tells of."""
        return cls(data["id"], data["kind"], data["seat"], data["args"], data["nth"])
