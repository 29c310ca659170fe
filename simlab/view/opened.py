"""An opened run: its overview, and what is new in it since somebody last looked."""

import itertools
import math
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from simlab.errors import NotFoundError
from simlab.sim.summary import RunSummary, read_kept_summary
from simlab.trace.accounts import Account, total
from simlab.trace.directory import RunDirectory
from simlab.trace.log import Log
from simlab.view.alive import holder_of
from simlab.view.bounds import Json, cut, shown
from simlab.view.cursor import read_cursor, write_cursor
from simlab.view.guard import legible, require_own_run
from simlab.view.record import Record
from simlab.view.tally import Tally, account_rows, row_in, row_of

_NO_ROW: dict[str, Json] = {"returns": {}, "ratings": {}, "ended": {}}

ROWS_AT_ONCE = 500
"""Episodes that one answer tells of; what is left comes with the next."""

STEPS_AT_ONCE = 2_000
"""Steps that are counted in one call, where episodes have no summary yet: some 50 ms of CPU."""


class OpenedRun:
    """A run as people look at it, finished or live; many may share one.

    What a finished run came to is read from its `summary.json`; its log is opened when somebody
    asks for what is in it. All methods read committed events alone, and cost as much as what they
    answer and what is new.

    Args:
        path: Of the run.
        patience_s: What is new is looked for no more often, however many look.

    Attributes:
        token: Tells this opening of the run from all others, and their versions from its own.

    Raises:
        RunDirectoryError: It is no run, or not as SimLab writes it.
        LogDamagedError: A segment is damaged before its tail.
    """

    def __init__(self, path: Path, *, patience_s: float = 0.0) -> None:
        self.path = path
        self._patience_s = patience_s
        self._looked_s = -math.inf
        self.record = Record.read(path)
        self.token = secrets.token_hex(4)
        self._versions = itertools.count(1)
        self._rows: dict[int, tuple[int, dict[str, Json]]] = {}
        """Version and row of each episode; the row that was put last comes last."""
        self._told: tuple[int, dict[str, Json]] | None = None
        self._tallies: dict[int, Tally] = {}
        self._uncounted: dict[int, None] = {}
        self._lengths: dict[str, int] = {}
        self._rates: bool | None = None
        """Whether seats rate, as far as is known from episodes that have ended."""
        self._is_held = self._look_for_holder()
        self._kept = self._read_kept()
        if self._kept is None:
            self.refresh()
        else:
            for summary in self._kept.episodes:
                self._put(row_of(summary))

    @cached_property
    def log(self) -> Log:
        """Its events; opened when it is first asked for.

        Raises:
            LogDamagedError: A segment is damaged before its tail.
        """
        with self.guarded("the log"):
            return Log(RunDirectory(self.path))

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """Within the block something of this run is read; see `legible`."""
        with legible(f"{what} of {self.path}"):
            yield

    @property
    def is_finished(self) -> bool:
        """Whether every episode has come to its end, and the run was closed."""
        return self._kept is not None and self._kept.finished

    def refresh(self) -> bool:
        """Read what was committed since; whether there was anything."""
        now_s = time.monotonic()
        if now_s < self._looked_s + self._patience_s:
            return False
        self._is_held = self._look_for_holder()
        if not self._may_have_grown():
            return False
        self._looked_s = now_s
        self._kept = None
        require_own_run(self.path)
        log = self.log
        with self.guarded("what is new in the log"):
            anything = log.refresh()
            for episode in log.changed_since(self._lengths):
                self._tallies.setdefault(episode, Tally())
                self._uncounted[episode] = None
                self._put(row_in(log, episode, self._tallies[episode]))
            self._lengths = log.lengths
        self._take_kept()
        return anything

    def require_episode(self, episode: int) -> None:
        """See that an episode was begun.

        Raises:
            NotFoundError: It was not.
        """
        self.refresh()
        if episode not in self._rows:
            raise NotFoundError(
                f"{self.path} has no episode {episode!r}; it has {len(self._rows)}, from 0"
            )

    def row(self, episode: int) -> Json:
        """What one episode came to so far.

        Raises:
            NotFoundError: It was not begun.
        """
        self.require_episode(episode)
        return self._rows[episode][1]

    def rows(self) -> Sequence[dict[str, Json]]:
        """What each episode came to so far, by number."""
        return [row for _, (_, row) in sorted(self._rows.items())]

    def overview(self) -> Json:
        """The whole run: what was run, who plays, how far it is, and what it came to."""
        self.refresh()
        rows, told = self.rows(), self.record.told()
        with self.guarded("the overview"):
            return {
                **told,
                "path": cut(str(self.path), 1000),
                "seats": self.record.seats(self.seats()),
                **self.progress(),
                "accounts": self._accounts(),
                "n_rows": len(rows),
            }

    def progress(self) -> dict[str, Json]:
        """How far it is: its state and the counts and means of its episodes."""
        newest = self.version
        if self._told is None or self._told[0] != newest:
            self._told = newest, self._counted()
        state = "finished" if self.is_finished else "running" if self._is_held else "stopped"
        return {"state": state, **self._told[1]}

    @property
    def version(self) -> int:
        """A number that grows with whatever changes in the rows of episodes."""
        return next(reversed(self._rows.values()))[0] if self._rows else 0

    def _counted(self) -> dict[str, Json]:
        rows = [row for _, row in self._rows.values()]
        states = [row["state"] for row in rows]
        ended = [row for row in rows if row["state"] == "ended"]
        return {
            "n_episodes": shown(self.record.n_episodes),
            "n_begun": sum(row["n_steps"] > 0 or row["state"] != "unfinished" for row in rows),
            "n_ended": len(ended),
            "n_failed": states.count("failed"),
            "n_steps": sum(row["n_steps"] for row in rows),
            "tokens": sum(row["prompt_tokens"] + row["completion_tokens"] for row in rows),
            "dollars": round(sum(_real(row["dollars"]) for row in rows), 6),
            "mean_returns": _means(row["returns"] for row in ended),
            "mean_ratings": _means(row["ratings"] for row in ended),
            "mean_scores": _means(row["scores"] for row in ended),
        }

    def seats(self) -> set[str]:
        """Seats that took part in the first episodes, and those that the cast names."""
        found = self.record.named_seats()
        for episode in range(8):
            _, row = self._rows.get(episode, (0, _NO_ROW))
            found |= {*row["returns"], *row["ratings"], *row["ended"]}
        return found

    def news(self, cursor: str = "") -> Json:
        """What has changed since a cursor was given out.

        Args:
            cursor: From the last answer; empty for all. One that another process gave out holds as
                well: it names how far each segment was read.

        Returns:
            ``{"cursor", "run", "episodes", "more"}``: the rows of episodes that have changed, no
            more than `ROWS_AT_ONCE`, and whether there are others to be fetched at once.

        Raises:
            ConfigError: The cursor is none.
        """
        self.refresh()
        self._count()
        since = read_cursor(cursor)
        is_own = since.token == self.token
        wanted = since.version if is_own else 0
        newer = itertools.takewhile(lambda e: e[0] > wanted, reversed(self._rows.values()))
        rows = list(newer)[::-1]
        if since.lengths and (since.is_partial or not is_own):
            changed = self._changed_since(since.lengths)
            rows = [entry for entry in rows if entry[1]["episode"] in changed]
        told, more = rows[:ROWS_AT_ONCE], len(rows) > ROWS_AT_ONCE
        version = told[-1][0] if more else self.version
        lengths = since.lengths if more else self._now_lengths()
        partial = more and bool(since.lengths) and (since.is_partial or not is_own)
        return {
            "cursor": write_cursor(self.token, version, lengths, is_partial=partial),
            "run": self.progress(),
            "episodes": [row for _, row in told],
            "more": more,
        }

    def _look_for_holder(self) -> bool:
        """Whether a process plays it; to be asked before reading, since who ends writes first."""
        return holder_of(self.path) is not None

    def _may_have_grown(self) -> bool:
        """Whether it goes on, or was gone on with since it left its summary: in new segments."""
        if self._kept is None:
            return True
        with self.guarded("the folder of segments"):
            return {*self._kept.segments} != {
                each.path.stem for each in RunDirectory(self.path).segments()
            }

    def _changed_since(self, lengths: dict[str, int]) -> set[int]:
        if self._kept is not None and lengths == self._kept.segments:
            return set()
        with self.guarded("the log"):
            return set(self.log.changed_since(lengths))

    def _now_lengths(self) -> dict[str, int]:
        return dict(self._kept.segments) if self._kept is not None else dict(self._lengths)

    def _put(self, row: dict[str, Json]) -> None:
        """Take in what an episode has come to; where it is played is told with it."""
        start = self.record.start_of(row["episode"])
        row["start"] = shown(dict(start), characters=1000)
        self._rows.pop(row["episode"], None)
        self._rows[row["episode"]] = (next(self._versions), row)

    def _count(self) -> None:
        """Count what the steps of episodes come to, the latest first, a bit at a time."""
        left = STEPS_AT_ONCE
        while left > 0 and self._uncounted:
            episode, _ = self._uncounted.popitem()
            tally = self._tallies[episode]
            has_ended = self._rows[episode][1]["state"] != "unfinished"
            if has_ended and self._rates is False:
                continue  # its end says all
            with self.guarded(f"episode {episode}"):
                n = tally.read_on(self.log, episode, left)
                left -= max(1, n)
                if n:
                    self._put(row_in(self.log, episode, tally))
                if tally.n_read < self.log.n_steps(episode):
                    self._uncounted[episode] = None
                elif has_ended and self._rates is None:
                    self._rates = bool(tally.sums)

    def _take_kept(self) -> None:
        """Take over from the log once the run has ended and left its summary."""
        kept = self._read_kept()
        if kept is not None and kept.finished:
            self._kept = kept
            for summary in kept.episodes:
                self._put(row_of(summary))
            self._uncounted.clear()

    def _read_kept(self) -> RunSummary | None:
        with self.guarded("summary.json"):
            return read_kept_summary(RunDirectory(self.path))

    def _accounts(self) -> Json:
        accounts = self._all_accounts()
        return {by: account_rows(total(accounts, by)) for by in ("model", "actor")}

    def _all_accounts(self) -> list[Account]:
        if self._kept is not None:
            return self._kept.accounts
        ends = [end for episode in self.log.ended() if (end := self.log.end(episode)) is not None]
        return [account for end in ends for account in end.accounts]


def _means(given: Any) -> dict[str, Json]:
    """The mean by name of the numbers that are there."""
    values: dict[str, list[float]] = {}
    for each in given:
        for name, value in each.items():
            if isinstance(value, int | float):
                values.setdefault(name, []).append(value)
    return {name: sum(v) / len(v) for name, v in sorted(values.items())}


def _real(value: Json) -> float:
    return value if isinstance(value, int | float) else 0.0
