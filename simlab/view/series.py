"""Series for charts: over episodes, by turn, and over time, all from the log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from simlab.trace.events import Cancelled, Effect, Started, StartedCore, Stepped, SteppedCore
from simlab.view.bounds import Json, cut, number
from simlab.view.opened import OpenedRun
from simlab.view.table import Table, cells_of, sample
from simlab.view.tally import numbers, score_in
from simlab.view.under_way import MOST_BINS, UnderWay

EPISODES_AT_ONCE: Final = 2_000
"""Episodes that a table over episodes has at most, spread evenly over all."""

TURNS_AT_ONCE: Final = 4_000
"""Turns that a table by turn has at most, of all episodes asked for together."""

EVENTS_AT_ONCE: Final = 12_000
"""Events that one call of `Load.read` looks at: some 0.1 s of CPU."""

_BINS: Final = 240


def over_episodes(run: OpenedRun) -> Table:
    """A row for each episode: where it began, its returns, ratings, scores, tokens and cost."""
    run.refresh()
    rows = run.rows()
    chosen = sample(range(len(rows)), EPISODES_AT_ONCE)
    table = Table(complete=len(chosen) == len(rows))
    table.rows += [_episode_row(run, rows[at]) for at in chosen]
    return table


def _episode_row(run: OpenedRun, row: Mapping[str, Json]) -> Mapping[str, Json]:
    start = {name: value for name, value in row["start"].items() if _is_short(value)}
    return {
        "episode": row["episode"],
        "state": row["state"],
        "n_steps": row["n_steps"],
        **({f"start:{name}": value for name, value in start.items()} or _began(run, row)),
        **cells_of(row["returns"], "return"),
        **cells_of(row["ratings"], "rating"),
        **cells_of(row["scores"], "score"),
        "prompt_tokens": row["prompt_tokens"],
        "completion_tokens": row["completion_tokens"],
        "dollars": row["dollars"],
    }


class EpisodePieces:
    """All episodes, a bounded number of rows in each piece."""

    def __init__(self) -> None:
        self._last = -1

    def read(self, run: OpenedRun) -> Table:
        """The next rows; the table is complete once these are the last."""
        run.refresh()
        left = [row for row in run.rows() if row["episode"] > self._last]
        some = left[:EPISODES_AT_ONCE]
        self._last = some[-1]["episode"] if some else self._last
        return Table([_episode_row(run, row) for row in some], len(some) == len(left))


def by_turn(run: OpenedRun, episodes: Sequence[int], start: int = 0) -> Table:
    """A row for each turn and seat: reward, rating, and how likely each label was.

    Args:
        run: Which.
        episodes: Their numbers.
        start: First step of each.

    Raises:
        NotFoundError: There is no such episode.
    """
    return TurnPieces(episodes, start).read(run)


class TurnPieces:
    """All turns of some episodes, a bounded number of turns in each piece.

    Args:
        episodes: Their numbers.
        start: First step of each.
    """

    def __init__(self, episodes: Sequence[int], start: int = 0) -> None:
        self._left = list(reversed(episodes))
        self._start = self._step = start

    def read(self, run: OpenedRun) -> Table:
        """The next rows; the table is complete once these are the last.

        Raises:
            NotFoundError: There is no such episode.
        """
        table, room = Table(complete=False), TURNS_AT_ONCE
        while self._left and room > 0:
            episode = self._left[-1]
            run.require_episode(episode)
            with run.guarded(f"episode {episode}"):
                n_all = run.log.n_steps(episode)
                stop = min(n_all, self._step + room)
                table.rows += _rows_of_turns(run, episode, self._step, stop)
            room -= max(1, stop - self._step)
            self._step = stop
            if stop >= n_all:
                self._left.pop()
                self._step = self._start
        table.complete = not self._left
        return table


def _rows_of_turns(
    run: OpenedRun, episode: int, first: int, stop: int
) -> Iterator[Mapping[str, Json]]:
    places = run.log.places(episode, (Stepped,))[first:stop]
    if not len(places):
        return
    begin, end = int(places[0]), int(places[-1]) + 1
    for event in run.log.events(episode, (Stepped,), start=begin, stop=end):
        core: SteppedCore = run.log.core(event, SteppedCore)
        assert isinstance(event, Stepped)
        yield from _turn_rows(episode, core, event.wall_s)


def _turn_rows(episode: int, core: SteppedCore, wall_s: float) -> list[Mapping[str, Json]]:
    rewards: Mapping[str, Any] = core.timestep.get("rewards", {})
    acted = {act.seat: act for act in core.acted}
    rows: list[Mapping[str, Json]] = []
    for seat in sorted({*acted, *rewards}):
        act = acted.get(seat)
        action = None if act is None else act.action
        shares: dict[str, Any] = {}
        if isinstance(action, dict) and action.get("_type") == "Score":
            shares = action.get("distribution") or {}
        rows.append(
            {
                "episode": episode,
                "step": core.step,
                "now": number(core.now),
                "wall_s": number(wall_s),
                "seat": cut(seat, 200),
                "reward": number(rewards.get(seat)),
                "rating": number(score_in(action)),
                "attempts": None if act is None else act.attempts,
                **cells_of(numbers(shares), "p"),
            }
        )
    return rows


def _began(run: OpenedRun, row: Mapping[str, Json]) -> dict[str, Json]:
    """Where an episode began, as the world told it of its reset."""
    with run.guarded(f"episode {row['episode']}"):
        for event in run.log.events(row["episode"], (Started,), stop=1):
            info = run.log.core(event, StartedCore).timestep.get("info", {})
            facts: Mapping[str, Any] = next(iter(info.values()), {})
            named = {name: facts.get(name) for name in ("environment", "initial_state")}
            return {
                f"start:{name.removeprefix('initial_')}": cut(str(value), 200)
                for name, value in named.items()
                if value is not None
            }
    return {}


def _is_short(value: Json) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) < 200


@dataclass(slots=True)
class _Bin:
    """What came to its end in a bin."""

    steps: int = 0
    calls: int = 0
    failed: int = 0
    tokens: dict[str, float] = field(default_factory=dict)

    def add(self, other: "_Bin") -> None:
        self.steps += other.steps
        self.calls += other.calls
        self.failed += other.failed
        for name, n in other.tokens.items():
            self.tokens[name] = self.tokens.get(name, 0.0) + n

    def rates(self, width_s: int) -> dict[str, Json]:
        """What came to its end by the second, and the share of tokens read that were cached."""
        read, drawn, cached = (self.tokens.get(name, 0.0) for name in _TOKENS)
        return {
            "steps_per_s": self.steps / width_s,
            "calls_per_s": self.calls / width_s,
            "read_per_s": read / width_s,
            "drawn_per_s": drawn / width_s,
            "cached": cached / read if read else None,
        }


_NOTHING: Final = _Bin()

_TOKENS: Final = ("prompt_tokens", "completion_tokens", "cached_tokens")


class Load:
    """Throughput, tokens, queue and cache over time: reads on in the log from call to call.

    Args:
        run: Which.
    """

    def __init__(self, run: OpenedRun) -> None:
        self._run = run
        self._places: dict[int, int] = {}
        self._bin_s = 1
        self._bins: dict[int, _Bin] = {}
        self._calls, self._waiting = UnderWay(), UnderWay()

    def read(self) -> Table:
        """A row for each stretch of time: ``t_s`` from the beginning, and rates in it.

        ``in_flight`` is the mean number of calls under way in the stretch, of those that have
        ended by now, and ``waiting`` of those that their model had not begun with; ``cached`` is
        the share of tokens read that were cached. The table is complete once the whole log was
        read.
        """
        self._run.refresh()
        with self._run.guarded("the log"):
            is_all = self._read_on(EVENTS_AT_ONCE)
        return Table(self._rows(), is_all)

    @property
    def share(self) -> float:
        """The part of the events that was read, from 0 to 1."""
        log = self._run.log
        n = sum(log.n_events_of(episode) for episode in log.episodes)
        return sum(self._places.values()) / n if n else 1.0

    def _read_on(self, left: int) -> bool:
        log = self._run.log
        for episode in log.episodes:
            place, n = self._places.get(episode, 0), log.n_events_of(episode)
            if place >= n:
                continue
            if left <= 0:
                return False
            stop = min(n, place + left)
            for event in log.events(episode, (Effect, Cancelled, Stepped), start=place, stop=stop):
                self._take(event)
            self._places[episode], left = stop, left - (stop - place)
            if stop < n:
                return False
        return True

    def _take(self, event: Any) -> None:
        found = self._bin(int(min(max(event.wall_s, 0.0), 1e11)))
        if isinstance(event, Stepped):
            found.steps += 1
            return
        found.calls += 1
        found.failed += isinstance(event, Cancelled)
        self._spread(event)
        for name in _TOKENS:
            n = event.cost.get(name, 0.0)
            found.tokens[name] = found.tokens.get(name, 0.0) + n

    def _bin(self, second: int) -> _Bin:
        """That of a second; where there are too many, each becomes twice as wide."""
        found = self._bins.setdefault(second // self._bin_s, _Bin())
        while len(self._bins) > MOST_BINS:
            narrow, self._bins = self._bins, {}
            for at, one in narrow.items():
                self._bins.setdefault(at // 2, _Bin()).add(one)
            self._bin_s *= 2
            found = self._bins[second // self._bin_s]
        return found

    def _spread(self, event: Any) -> None:
        """Count a call in all the time that it took, its wait for a model first."""
        end_s = min(max(event.wall_s, 0.0), 1e11)
        begin_s = min(max(end_s - event.duration_s, 0.0), end_s)
        self._calls.add(begin_s, end_s)
        begun_s = max(begin_s, end_s - event.cost.get("model_s", 0.0))
        if "model_s" in event.cost and begin_s < begun_s <= end_s:
            self._waiting.add(begin_s, begun_s)

    def _rows(self) -> list[Mapping[str, Json]]:
        """Rows of stretches of equal length, each of whole bins, as many as a chart shows."""
        if not self._bins:
            return []
        both = (self._calls, self._waiting)
        bin_s = max(self._bin_s, *(each.bin_s for each in both))
        begins = [each.first_s for each in both if each.first_s is not None]
        first = min([min(self._bins) * self._bin_s, *begins]) // bin_s * bin_s
        last = max(self._bins) * self._bin_s
        width = -(-(last - first + 1) // (_BINS * bin_s)) * bin_s
        wide: dict[int, _Bin] = {}
        for at, one in self._bins.items():
            wide.setdefault((at * self._bin_s - first) // width, _Bin()).add(one)
        n = (last - first) // width + 1
        in_flight, waits = (each.means(first, width, n) for each in both)
        return [
            {
                "t_s": at * width,
                "wall_s": first + at * width,
                **wide.get(at, _NOTHING).rates(width),
                "in_flight": in_flight[at],
                "waiting": waits[at],
            }
            for at in range(n)
            if at in wide or in_flight[at]
        ]
