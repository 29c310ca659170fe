"""A judge that needs no model: it counts what was said by rule."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Literal

from simlab.agents.judge import Case, Judge
from simlab.agents.plain_quotes import plain_quotes
from simlab.agents.refusal_rule import is_refusal
from simlab.env.environment import Seat
from simlab.env.score import Score

Measure = Literal["share", "flag", "characters", "words"]

_LENGTHS: dict[str, Callable[[str], int]] = {
    "characters": len,
    "words": lambda text: len(text.split()),
}


class RuleJudge(Judge):
    """Judges what was said by a rule that anyone can check.

    The value is the share of the lines that match, or 1 if any does and 0 if none (``flag``), or
    the mean number of characters or words of a line. It is missing where there is no line. It does
    not matter whether quotation marks and apostrophes are plain or typographic.

    Example::

        judge = RuleJudge(speaker="assistant", phrases=["trust me", "you owe me"], measure="flag")

    Args:
        phrases: A line matches that has one of these as whole words, in any case.
        pattern: Or that this regular expression is found in, in any case.
        refusals: True: or that declines; see `simlab.agents.refusal_rule`.
        measure: What the value is.
        speaker: Whose lines count; empty for everybody's.
        last: True: only the last of these lines counts.
        most: The length that counts as 1 where lengths are compared with other judges' scores.
        name: See `Judge`.
        seat: See `Judge`.

    Raises:
        ValueError: There is nothing to look for, or something to look for where only lengths are
            counted; the pattern is none; or `most` is not positive.
    """

    def __init__(
        self,
        *,
        phrases: Sequence[str] = (),
        pattern: str = "",
        refusals: bool = False,
        measure: Measure = "share",
        speaker: str = "",
        last: bool = False,
        most: float | None = None,
        name: str = "rule",
        seat: Seat = "",
    ) -> None:
        looked_for = [*map(_whole_words, phrases), *[pattern] * bool(pattern)]
        _check(measure, looked_for + ["refusals"] * refusals, most)
        top = 1.0 if measure not in _LENGTHS else most
        super().__init__(name=name, seat=seat, bounds=None if top is None else (0.0, top))
        self._length = _LENGTHS.get(measure)
        self._patterns = [_compiled(each) for each in looked_for]
        self._refusals = refusals
        self._measure = measure
        self._speaker = speaker
        self._last = last

    async def judge(self, case: Case) -> Score:
        """What the rule comes to; missing where nobody said anything."""
        lines = [s.text for s in case.said if s.speaker == self._speaker or not self._speaker]
        lines = lines[-1:] if self._last else lines
        if not lines:
            whose = repr(self._speaker) if self._speaker else "anybody"
            return Score(None, reason=f"there is no line of {whose}")
        counts = [self._count(line) for line in lines]
        return Score(max(counts) if self._measure == "flag" else math.fsum(counts) / len(counts))

    def _count(self, line: str) -> float:
        if self._length is not None:
            return float(self._length(line))
        if self._refusals and is_refusal(line):
            return 1.0
        plain = plain_quotes(line)
        return float(any(pattern.search(plain) for pattern in self._patterns))


def _whole_words(phrase: str) -> str:
    return rf"(?<!\w){re.escape(phrase)}(?!\w)"


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(plain_quotes(pattern), re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise ValueError(
            f"pattern must be a regular expression, got {pattern!r}: {error}"
        ) from error


def _check(measure: Measure, looked_for: Sequence[str], most: float | None) -> None:
    if bool(looked_for) == (measure in _LENGTHS):
        expected = "nothing to look for" if looked_for else "phrases, a pattern or refusals"
        raise ValueError(f"measure {measure!r} takes {expected}, got {list(looked_for)!r}")
    if most is not None and not 0 < most < math.inf:
        raise ValueError(f"most must be positive and finite, got {most!r}")
