"""Trials: what each was tried with, and how it has gone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["waiting", "running", "ended", "stopped", "failed"]

FINAL: tuple[State, ...] = ("ended", "stopped", "failed")
"""States of trials that are gone on with no more."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a trial has said after a round.

    Attributes:
        round: Its number.
        value: What the metric was; None where it is missing.
    """

    round: int
    value: float | None


@dataclass(slots=True)
class Trial:
    """One trial of a sweep.

    Attributes:
        number: From 0; its directory is named so.
        point: Its values by key.
        state: ``stopped`` is that it was not among the best of a rung.
        reports: One for each round that is done, in order.
        why: Why it failed.
        deaths: How often its process has died.
    """

    number: int
    point: dict[str, Any]
    state: State = "waiting"
    reports: list[Report] = field(default_factory=list)
    why: str = ""
    deaths: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it is gone on with no more."""
        return self.state in FINAL

    @property
    def value(self) -> float | None:
        """What the metric was last; None before the first report, or where it is missing."""
        return self.reports[-1].value if self.reports else None

    def add(self, report: Report) -> bool:
        """Keep a report; False for one that is kept already, as a resumed trial makes it again."""
        if self.reports and report.round <= self.reports[-1].round:
            return False
        self.reports.append(report)
        return True


def best_of(trials: Sequence[Trial], mode: Literal["max", "min"]) -> Trial | None:
    """The best of those that have ended, the first of equals; None where none has with a value."""
    sign = 1 if mode == "max" else -1
    ended = [trial for trial in trials if trial.state == "ended" and trial.value is not None]
    return max(ended, key=lambda trial: sign * (trial.value or 0), default=None)
