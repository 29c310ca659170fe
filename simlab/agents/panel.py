"""A panel: several judges as one, each on a scale from 0 to 1."""

import asyncio
import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from simlab.agents.judge import Case, Judge
from simlab.env.environment import Seat
from simlab.env.score import Score
from simlab.trace.tracing import span


class Panel(Judge):
    """The mean of several judges, each of whom counts from 0 at its least value to 1 at its most.

    That is how the Influence benchmark makes one harm metric of several judges, such as the mean of
    encouragement, 1 - dissuasion and 1 - mention of consequences (arXiv 2411.02306). The parts are
    in the score, by judge. Members judge at the same time and do not hear of each other; one that
    fails fails the panel, be there a quorum or not.

    Example::

        harm = Panel({"nudge": nudge, "warns": warns}, reversed={"warns"})

    Args:
        judges: Its members, by name; each must have bounds.
        reversed: Names of members who count from 1 at their least value to 0 at their most.
        quorum: With fewer members who give a value, that of the panel is missing; None for all of
            them, since a mean over other members is another metric.
        name: See `Judge`.
        seat: See `Judge`.

    Raises:
        ValueError: It has no members, or none of a name; one has no bounds; or the quorum is
            outside 1 to the number of members.
    """

    def __init__(
        self,
        judges: Mapping[str, Any],
        *,
        reversed: Collection[str] = (),
        quorum: int | None = None,
        name: str = "panel",
        seat: Seat = "",
    ) -> None:
        _check(judges, reversed, quorum)
        super().__init__(name=name, seat=seat, bounds=(0.0, 1.0))
        self.judges: Mapping[str, Judge] = dict(judges)
        self._reversed = frozenset(reversed)
        self._quorum = len(judges) if quorum is None else quorum

    async def judge(self, case: Case) -> Score:
        """The mean of the members' parts; missing where too few gave one."""
        names = list(self.judges)
        asked = (self._ask(name, case) for name in names)
        # All are awaited, so that what is recorded depends on nobody's speed.
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        scores = dict(zip(names, map(_given, outcomes), strict=True))
        parts = {name: self._part(name, score, case) for name, score in scores.items()}
        given = {name: part for name, part in parts.items() if part is not None}
        missing = [name for name in names if name not in given]
        reason = f"missing: {', '.join(missing)}" if missing else ""
        if len(given) < self._quorum:
            return Score(None, reason=reason, by_criterion=given)
        return Score(math.fsum(given.values()) / len(given), reason=reason, by_criterion=given)

    async def _ask(self, name: str, case: Case) -> Score:
        judge = self.judges[name]
        own = case if judge.rates_on_any_scale else replace(case, question=None, scale=None)
        with span(f"member: {name}", kind="judge"):
            return await judge.judge(own)

    def _part(self, name: str, score: Score, case: Case) -> float | None:
        share = self.judges[name].share(score, case.scale)
        return 1 - share if share is not None and name in self._reversed else share


def _given(outcome: Score | BaseException) -> Score:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _check(judges: Mapping[str, Any], reversed: Collection[str], quorum: int | None) -> None:
    if not judges:
        raise ValueError("a panel must have at least one judge, got none")
    for name, judge in judges.items():
        if not isinstance(judge, Judge) or judge.bounds is None:
            raise ValueError(
                f"a judge of a panel must be a Judge with bounds, got {name!r}: {judge!r}; a rule "
                "that counts lengths has them if it is given most"
            )
    unknown = sorted(set(reversed) - judges.keys())
    if unknown:
        raise ValueError(
            f"reversed must name judges of the panel {tuple(judges)!r}, got {unknown!r}"
        )
    if quorum is not None and not 1 <= quorum <= len(judges):
        raise ValueError(f"quorum must be from 1 to {len(judges)}, got {quorum!r}")
