"""Charting: what points stand in a chart, from tables of a log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

from simlab.apps.plots import Plot
from simlab.errors import ConfigError
from simlab.view.bounds import Json, cut
from simlab.view.table import Table, sample

Rows = Sequence[Mapping[str, Json]]

MOST_POINTS: Final = 3_000
"""In one chart; of more, so many are drawn that are spread evenly over all."""

MOST_LINES: Final = 24
"""In one chart: nobody tells more colours apart."""

_MOST_EPISODES: Final = 100


_TOLD: Final = {
    "n_steps": "turns",
    "prompt_tokens": "read",
    "completion_tokens": "drawn",
    "steps_per_s": "turns",
    "calls_per_s": "model and other calls",
    "read_per_s": "read",
    "drawn_per_s": "drawn",
    "in_flight": "in flight",
}


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a chart.

    Attributes:
        x: To the right; a text where bars stand beside each other.
        y: Up.
        line: What it belongs to.
    """

    x: float | str
    y: float
    line: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its points.

    Attributes:
        plot: What it shows.
        points: In the order of the table.
        n_left_out: Points that are not drawn, because they are too many.
        n_lines_left_out: Lines that are not drawn for the same reason.
    """

    plot: Plot
    points: tuple[Point, ...]
    n_left_out: int = 0
    n_lines_left_out: int = 0

    @property
    def lines(self) -> list[str]:
        """The names of its lines, in order."""
        return list(dict.fromkeys(point.line for point in self.points))

    def told(self) -> str:
        """What is left out, in words; empty where all is drawn."""
        parts = []
        if self.n_left_out:
            n = len(self.points)
            parts.append(f"{n:,} of {n + self.n_left_out:,} points, spread evenly over all")
        if self.n_lines_left_out:
            n_lines = len(self.lines)
            parts.append(f"the first {n_lines} of {n_lines + self.n_lines_left_out} lines")
        return f"{self.plot.title}: {' and '.join(parts)}" if parts else ""


def chart_of(plot: Plot, table: Table, by: str = "") -> Chart:
    """The points of a chart.

    Args:
        plot: Which.
        table: Its rows; those that lack what is drawn are passed over.
        by: ``"environment"`` or ``"state"``, to tell apart where episodes began; empty: not.
    """
    rows = _prepared(plot, table.rows, by)
    columns = [*table.columns, "return"] if plot.of == "turns" else table.columns
    points = list(_points(plot, rows, columns, by))
    if plot.needs_some and not any(point.y for point in points):
        points = []
    if plot.mark == "bar":
        points = _means(points)
    kept, n_lines = _first_lines(points)
    chosen = sample(range(len(kept)), MOST_POINTS)
    few = tuple(kept[at] for at in chosen)
    return Chart(plot, few, len(kept) - len(few), n_lines)


def by_round(rounds: Sequence[Mapping[str, Any]]) -> Table:
    """The table of a training for charts: the mean of all with its interval, and each environment.

    Args:
        rounds: Rows of its table, as `TrainingView.rounds` gives them.
    """
    table = Table()
    for row in rounds:
        number = {"round": row.get("round")}
        for end in ("mean", "low", "high"):
            named = {"line": "all" if end == "mean" else f"95 % {end}"}
            table.rows.append({**number, **named, **_ends(row, end)})
        environments = row.get("by_environment")
        for name, figures in environments.items() if isinstance(environments, dict) else ():
            if isinstance(figures, dict):
                table.rows.append({**number, "line": name, **_ends(figures, "mean")})
    return table


def episodes_in(text: str) -> list[int]:
    """The episodes that a person has named, such as ``0-3, 7``.

    Raises:
        ConfigError: It names none, or more than can be told apart.
    """
    found: list[int] = []
    for part in text.replace(",", " ").split():
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or "0").isdecimal()) or part.endswith("-"):
            raise ConfigError(f"episodes must be numbers such as '0-3, 7', got {part[:40]!r}")
        begin, end = int(first[:12]), int((last or first)[:12])
        found += range(begin, min(end, begin + _MOST_EPISODES) + 1)
    if not 0 < len(found) <= _MOST_EPISODES:
        raise ConfigError(f"episodes must be 1 to {_MOST_EPISODES}, got {text[:40]!r}")
    return list(dict.fromkeys(found))


def _prepared(plot: Plot, rows: Rows, by: str) -> Rows:
    """Rows with what is drawn of them that the table itself does not have."""
    if plot.of == "episodes":
        return _with_starts(rows, by)
    if plot.of == "turns":
        return _with_returns(rows)
    if plot.of == "load" and len(rows) == 1:  # a line has two ends; the row is of a whole second
        return [*rows, {**rows[0], "t_s": rows[0]["t_s"] + 1}]
    return rows


def _points(plot: Plot, rows: Rows, columns: list[str], by: str) -> Iterable[Point]:
    tells = _telling(plot, rows)
    drawn = [name for name in columns if name.startswith(_prefixes(plot)) or name in plot.columns]
    is_one = len(drawn) == 1 and drawn[0] in plot.columns
    for row in rows:
        x = row.get(plot.x)
        apart = [_apart(name, row) for name in tells if row.get(name) is not None]
        if by and plot.mark == "point" and isinstance(row.get("start"), str):
            apart.append(row["start"])
        for name in drawn:
            y = row.get(name)
            if isinstance(x, int | float | str) and isinstance(y, int | float):
                own = [] if is_one and apart else [_name_of(name)]
                parts = [*own, *apart] if plot.of == "episodes" else [*apart, *own]
                yield Point(x, float(y), cut(" · ".join(parts), 120))


def _telling(plot: Plot, rows: Rows) -> list[str]:
    """The columns that tell lines apart; episodes only where there are several."""
    several = len({row.get("episode") for row in rows}) > 1
    return [name for name in plot.by if several or name != "episode"]


def _prefixes(plot: Plot) -> tuple[str, ...]:
    return tuple(name for name in plot.columns if name.endswith(":"))


def _apart(name: str, row: Mapping[str, Json]) -> str:
    return f"episode {row[name]}" if name == "episode" else str(row[name])


def _name_of(column: str) -> str:
    """What a column is called in a legend."""
    return _TOLD.get(column, column.partition(":")[2] or column)


def _with_starts(rows: Rows, by: str) -> Rows:
    """Rows with where each episode began in one column."""
    names = [f"start:{by}"] if by else ["start:environment", "start:state"]
    return [{**row, "start": _start(row, names)} for row in rows]


def _start(row: Mapping[str, Json], names: list[str]) -> str | None:
    found = [str(row[name]) for name in names if row.get(name) is not None]
    return cut(" ".join(found), 80) or None


def _with_returns(rows: Rows) -> Rows:
    """Rows by turn in which a seat that is ever rewarded is so in each turn, if by nothing."""
    rewarded = {row["seat"] for row in rows if isinstance(row["reward"], int | float)}
    totals: dict[tuple[Json, Json], float] = {}
    found: list[Mapping[str, Json]] = []
    for row in rows:
        if row["seat"] in rewarded:
            reward = row["reward"] if isinstance(row["reward"], int | float) else 0.0
            key = row["episode"], row["seat"]
            totals[key] = totals.get(key, 0.0) + reward
            row = {**row, "reward": reward, "return": totals[key]}  # noqa: PLW2901
        found.append(row)
    return found


def _means(points: list[Point]) -> list[Point]:
    """The mean of the points that stand at one place in one line."""
    found: dict[tuple[float | str, str], list[float]] = {}
    for point in points:
        found.setdefault((point.x, point.line), []).append(point.y)
    return [Point(x, fmean(ys), line) for (x, line), ys in sorted(found.items(), key=str)]


def _first_lines(points: list[Point]) -> tuple[list[Point], int]:
    """The points of the first lines, and how many lines there are beyond."""
    lines = list(dict.fromkeys(point.line for point in points))
    kept = set(lines[:MOST_LINES])
    return [point for point in points if point.line in kept], max(0, len(lines) - MOST_LINES)


def _ends(figures: Mapping[str, Any], end: str) -> dict[str, Json]:
    """One end of each interval among figures."""
    return {
        name: value.get(end)
        for name, value in figures.items()
        if isinstance(value, dict) and {"mean", "low", "high"} <= value.keys()
    }
