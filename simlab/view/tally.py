"""Tallies: what episodes come to, counted step by step as they go, or taken from their end."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from simlab.sim.summary import EpisodeSummary
from simlab.trace.accounts import Account, usage
from simlab.trace.events import Outcome, Stepped, SteppedCore
from simlab.trace.log import Log
from simlab.trace.plain import Plain
from simlab.view.bounds import Json, cut, number

_PICKS_STATES = "transition"
"""The seat of dialogues whose scores are numbers of states."""


@dataclass(slots=True)
class Tally:
    """What the steps of one episode come to so far.

    Attributes:
        n_read: Steps that were counted.
        returns: Sum of rewards by seat, in reward units.
        sums: Sum and number of the ratings that each seat gave.
        now: World time in seconds after the last of them.
    """

    n_read: int = 0
    returns: dict[str, float] = field(default_factory=dict)
    sums: dict[str, tuple[float, int]] = field(default_factory=dict)
    now: float = 0.0

    @property
    def ratings(self) -> dict[str, float]:
        """Mean rating by seat, of those with a value."""
        return {seat: total / n for seat, (total, n) in self.sums.items()}

    def read_on(self, log: Log, episode: int, n_most: int) -> int:
        """Count further steps of an episode; gives how many."""
        steps = log.places(episode, (Stepped,))
        few = steps[self.n_read : self.n_read + n_most]
        if not len(few):
            return 0
        first, last = int(few[0]), int(few[-1]) + 1
        for event in log.events(episode, (Stepped,), start=first, stop=last):
            self._add(log.core(event, SteppedCore))
        return len(few)

    def _add(self, core: SteppedCore) -> None:
        self.n_read += 1
        self.now = core.now
        for act in core.acted:
            value = score_in(act.action)
            if value is None:
                self.returns.setdefault(act.seat, 0.0)
            elif act.seat != _PICKS_STATES:
                total, n = self.sums.get(act.seat, (0.0, 0))
                self.sums[act.seat] = (total + value, n + 1)
        for seat, reward in core.timestep.get("rewards", {}).items():
            self.returns[seat] = self.returns.get(seat, 0.0) + float(reward)


def score_in(action: Plain) -> float | None:
    """The value of an action that is a score; None where it is none, or is missing."""
    if isinstance(action, dict) and action.get("_type") == "Score":
        value = action.get("value")
        return float(value) if isinstance(value, int | float) else None
    return None


def row_of(summary: EpisodeSummary) -> dict[str, Json]:
    """What an episode came to, from its summary."""
    return {
        "episode": summary.episode,
        "state": cut(summary.state, 40),
        "n_steps": summary.n_steps,
        "returns": numbers(summary.returns),
        "ended": {cut(k, 200): cut(v, 40) for k, v in summary.ended.items()},
        "scores": numbers(summary.scores),
        "ratings": numbers(summary.ratings),
        "failure": None if summary.failure is None else cut(summary.failure, 2000),
        "boundary": None if summary.boundary is None else cut(summary.boundary, 200),
        **_usage(summary.accounts),
    }


def row_in(log: Log, episode: int, tally: Tally) -> dict[str, Json]:
    """What an episode came to so far, from its log."""
    end = log.end(episode)
    row = row_of(EpisodeSummary(episode, "unfinished", log.n_steps(episode)))
    row["now"] = number(tally.now)
    if end is not None:
        outcome: Outcome = log.core(end, Outcome)
        values: dict[str, Any] = {
            name: score.get("value") if isinstance(score, dict) else score
            for name, score in outcome.scores.items()
        }
        row = row_of(
            EpisodeSummary(
                episode,
                "ended" if outcome.failed is None else "failed",
                outcome.n_steps,
                outcome.returns,
                outcome.ended,
                values,
                None if outcome.failed is None else outcome.failed.message,
                None if outcome.failed is None else outcome.failed.boundary,
                end.accounts,
            )
        )
    elif tally.n_read:
        row["returns"] = numbers(tally.returns)
    if tally.n_read:
        row["ratings"] = numbers(tally.ratings)
    return row


def numbers(values: dict[str, Any]) -> dict[str, Json]:
    """Numbers by name, as JSON takes them."""
    return {
        cut(str(name), 200): number(value) if isinstance(value, int | float) else None
        for name, value in list(values.items())[:256]
    }


def _usage(accounts: list[Account]) -> dict[str, Json]:
    spent = usage(accounts)
    names = ("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "retries")
    told: dict[str, Json] = {name: spent[name] for name in names}
    told["dollars"] = number(sum(account.dollars for account in accounts))
    return told


def account_rows(totals: dict[str, Account]) -> list[Json]:
    """Accounts by name, as rows."""
    rows = []
    for name, account in totals.items():
        row = msgspec.structs.asdict(account)
        told = {key: number(value) for key, value in row.items() if key not in ("actor", "model")}
        rows.append({"name": cut(name, 200), **told})
    return rows
