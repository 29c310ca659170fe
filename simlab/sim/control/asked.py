"""What people are asked who come while the run goes on: plain data, on its way to the driver."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from simlab.agents.person import Question
from simlab.env.environment import Seat


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to whoever has taken a seat, or stands for a model.

    Attributes:
        id: Of the question, one of its kind in the run.
        host: Where it waits.
        episode: In which it is asked; -1 where a model is, which does not know.
        seat: Whose act it is; empty where a model is asked.
        model: Which is asked; empty where a seat is.
        what: The question, plain data.
        deadline_s: When it lapses, in seconds of the epoch; None for never.
    """

    id: str = ""
    host: str = ""
    episode: int = -1
    seat: Seat = ""
    model: str = ""
    what: Mapping[str, Any] = field(default_factory=dict)
    deadline_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """It as people are shown it, plain data."""
        seat = {"episode": self.episode, "seat": self.seat}
        whose = {"model": self.model} if self.model else seat
        return {"id": self.id, **whose, **self.what, "deadline": self.deadline_s}


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A question waits no more: it is answered, or too late, or nobody wants to know.

    Attributes:
        id: Of the question.
    """

    id: str


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A person is gone whose lease says that the episode pauses then.

    Attributes:
        episode: Which.
        seat: Whose.
    """

    episode: int
    seat: Seat


def question_in_words(question: Question) -> dict[str, Any]:
    """What a seat is asked, plain data."""
    whole = asdict(question)
    del whole["asker"], whole["n_known"]
    return whole
