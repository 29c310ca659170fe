"""What a stage is told of live episodes."""

from dataclasses import dataclass

from simlab.agents.person import HumanAnswer
from simlab.env.environment import Seat
from simlab.sim.control.order import Order


@dataclass(frozen=True, slots=True)
class TakeOrder:
    """Carry an order out, now or later; the answer is the step, or None where it waits for one."""

    episode: int
    order: Order


@dataclass(frozen=True, slots=True)
class PauseEpisode:
    """Stand still at the top of the next step, or go on; takes back what steps were allowed."""

    episode: int
    paused: bool


@dataclass(frozen=True, slots=True)
class AllowSteps:
    """Take so many steps, and stand still then."""

    episode: int
    n_steps: int


@dataclass(frozen=True, slots=True)
class TakeAnswer:
    """Take a person's answer; answers once it is recorded."""

    question: str
    answer: HumanAnswer


@dataclass(frozen=True, slots=True)
class LeaveSeat:
    """Let the person be gone who has a seat by an order, if nobody has it by a later one."""

    episode: int
    seat: Seat
    order: str


@dataclass(frozen=True, slots=True)
class TakeBackLeases:
    """Let nobody take a seat by these orders who was to take it in a later step."""

    episode: int
    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TellStatus:
    """Tell where each live episode stands."""


Command = (
    TakeOrder | PauseEpisode | AllowSteps | TakeAnswer | LeaveSeat | TakeBackLeases | TellStatus
)
"""What a stage is told of live episodes."""
