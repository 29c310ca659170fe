"""Leases, as episodes tell the driver of them."""

from dataclasses import dataclass, field

from simlab.env.environment import Seat


@dataclass(frozen=True, slots=True)
class Leased:
    """A person has a seat, from now on or until now.

    Attributes:
        episode: Which.
        seat: Whose.
        who: The person; None once the lease is over.
        lapse: What becomes of the seat then; see `simlab.sim.control.seat_person.Terms`.
        after_s: When, in seconds without an answer.
        order: Id of the order by which the person has it; of two leases alike they may differ.
    """

    episode: int
    seat: Seat
    who: str | None = None
    lapse: str = ""
    after_s: float | None = None
    order: str = field(default="", compare=False)

    @property
    def place(self) -> tuple[int, Seat]:
        """The seat and its episode."""
        return self.episode, self.seat
