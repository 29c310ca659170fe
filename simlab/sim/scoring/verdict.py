"""A verdict: what one judge made of one case, as it stands in the record of a judging."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from simlab.env.score import Score
from simlab.trace.events import Outcome
from simlab.trace.log import Log

_FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one judge made of one case.

    Attributes:
        case: Number of the episode, or of the labelled case.
        judge: Its name.
        score: What it gave; missing where it failed, too.
        failed: Why it gave none, where it failed; empty where it did not.
    """

    case: int
    judge: str
    score: Score
    failed: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As plain data, a line of ``scores.jsonl``."""
        return {
            "episode": self.case,
            "judge": self.judge,
            **msgspec.to_builtins(self.score),
            "missing": self.score.is_missing,
            _FAILED: self.failed,
        }


def failure(message: str) -> dict[str, Any]:
    """What stands among the scores of a case for a judge that failed."""
    return {_FAILED: message}


def read_verdicts(log: Log) -> list[Verdict]:
    """The verdicts of all cases that were judged to their end, by case and judge."""
    verdicts = []
    for case in sorted(log.ended()):
        outcome: Outcome = log.core(log.end(case), Outcome)
        verdicts += [_verdict(case, name, kept) for name, kept in sorted(outcome.scores.items())]
    return verdicts


def _verdict(case: int, judge: str, kept: Mapping[str, Any]) -> Verdict:
    if _FAILED in kept:
        return Verdict(case, judge, Score(None, mass=0.0), kept[_FAILED])
    return Verdict(case, judge, msgspec.convert(kept, Score))
