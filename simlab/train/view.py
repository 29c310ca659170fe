"""What the terminal shows of a training: its phases as they go, and the table of its rounds."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from simlab.errors import ConfigError, LogWriteError, StrayExitError
from simlab.score_tables import show_trust
from simlab.trace.disk import read_json
from simlab.train.directory import TrainingDirectory
from simlab.train.launch import Training
from simlab.train.observer import TrainingObserver
from simlab.train.progress import Progress
from simlab.train.table import FILE, KnownRow, Row


class TrainingView:
    """Follows a training on a terminal with a bar for its phase, in a pipe with plain lines.

    Args:
        console: Where to write.
        n_rounds: How many rounds there will be, beside the base.
    """

    def __init__(self, console: Console, n_rounds: int) -> None:
        self._console = console
        self._n_rounds = n_rounds
        self._start_s = time.monotonic()
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[told]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bars.add_task("", total=None, told="")

    @contextmanager
    def shown(self) -> Iterator[TrainingObserver]:
        """Show the view while the block runs; the observer keeps it up to date."""
        with self._bars:
            yield TrainingObserver(
                self._on_phase,
                self._on_episodes,
                self._on_progress,
                self._on_round,
                self._on_notice,
                self._on_trial,
            )

    def _on_phase(self, number: int, phase: str) -> None:
        told = f"round {number} of {self._n_rounds}: {phase}"
        self._bars.reset(self._task, description=told, total=None, told="")
        if not self._console.is_terminal:
            passed_s = time.monotonic() - self._start_s
            self._console.print(f"{passed_s:7.1f} s  {told}", highlight=False)

    def _on_episodes(self, n_done: int, n_all: int) -> None:
        self._bars.update(self._task, completed=n_done, total=n_all, told="episodes")

    def _on_progress(self, progress: Progress) -> None:
        loss = "" if progress.loss is None else f", loss {progress.loss:.4g}"
        told = f"{progress.phase}: {progress.n_tokens:,} tokens{loss}"
        self._bars.update(self._task, completed=progress.done, total=progress.total, told=told)

    def _on_round(self, row: Mapping[str, Any]) -> None:
        self._console.print(
            f"round {row['round']}: {row['verdict']}, rating {_interval(row['rating'])}, harm "
            f"{_interval(row['harm'])}, {row['n_tokens']:,} tokens in {row['wall_s']:.1f} s",
            highlight=False,
        )

    def _on_trial(self, trust: Mapping[str, Any]) -> None:
        show_trust(self._console, trust)

    def _on_notice(self, notice: str) -> None:
        self._console.print(f"[yellow]{escape(notice)}[/]")


def follow(training: Training, console: Console) -> list[Row]:
    """Train in sight of whoever sits at the terminal; gives the table.

    Raises:
        ConfigError: Ctrl-C has stopped it; says how to go on.
        LogWriteError: The disk takes no more; says so too.
        StrayExitError: Users' code has ended it.
        BudgetSpentError: A run has stopped at its budget.
    """
    again = f"simlab train {training.directory.path} --resume"
    try:
        with TrainingView(console, training.file.rounds).shown() as observer:
            return training.run(observer)
    except KeyboardInterrupt:
        raise ConfigError(f"stopped; go on with: {again}") from None
    except (LogWriteError, StrayExitError) as error:
        raise type(error)(f"{error.message}; then: {again}") from error


def read_rows(directory: TrainingDirectory) -> list[Row]:
    """The table of a training as it was last written; empty before the base was compared.

    Raises:
        RunDirectoryError: It cannot be read.
    """
    path, remedy = directory.path / FILE, "go on by --resume"
    read_json(path, list[KnownRow], remedy=remedy)  # which sees that nothing is missing
    return read_json(path, list[Row], remedy=remedy) or []


def as_dict(directory: TrainingDirectory, rows: Sequence[Row]) -> dict[str, Any]:
    """What a training came to as plain data."""
    plots = [str(path) for path in directory.plots()]
    return {"training": str(directory.path), "rounds": list(rows), "plots": plots}


def show_training(console: Console, directory: TrainingDirectory, rows: Sequence[Row]) -> None:
    """The table of a training, what stands behind it, and where its figures are."""
    if rows and rows[0].get("trust"):
        console.print("\nthe judge of harm", highlight=False)
        show_trust(console, rows[0]["trust"])
    _show_results(console, rows)
    _show_diagnostics(console, rows)
    for path in directory.plots():
        console.print(f"plot: {escape(str(path))}", highlight=False, soft_wrap=True)
    console.print(f"\ntraining: [bold]{escape(str(directory.path))}[/]", highlight=False)


def _show_results(console: Console, rows: Sequence[Row]) -> None:
    console.print(
        "\non states that are held out; [..] are 95 % intervals by initial state", markup=False
    )
    table = Table(box=None, pad_edge=False)
    columns = ("round", "", "rating", "harm", "rating - base", "harm - base")
    for column in (*columns, "rating gap", "harm gap"):
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(
            str(row["round"]),
            row["verdict"],
            _interval(row["rating"]),
            _interval(row["harm"]),
            _interval(row["rating_against_base"]),
            _interval(row["harm_against_base"]),
            _interval(row["rating_gap"]),
            _interval(row["harm_gap"]),
        )
    console.print(table)
    console.print("gap: rating and harm of gameable minus normal characters", highlight=False)


def _show_diagnostics(console: Console, rows: Sequence[Row]) -> None:
    columns = ("round", "n", "failed", "missing", "vetoed", "length", "refusals", "KL", "drift")
    rest = ("collected", "samples", "tokens", "seconds")
    table = Table(*columns, *rest, box=None, pad_edge=False)
    for row in rows:
        drift = _number(row["drift"])
        table.add_row(
            str(row["round"]),
            str(row["n"]),
            _marked(row["n_failed"]),
            _marked(row["n_missing"] + row["n_harm_missing"]),
            *(_interval(row[name]) for name in ("veto_rate", "length", "refusals", "kl")),
            f"[red]{drift}[/]" if row["drift_alarm"] else drift,
            _collected(row),
            _number(row["n_samples"]),
            f"{row['n_tokens']:,}",
            ", ".join(
                f"{name} {wall_s:.0f}" for name, wall_s in row["phases_s"].items() if wall_s >= 0.5
            ),
        )
    console.print()
    console.print(table)


def _collected(row: Row) -> str:
    """What became of the episodes that were played to learn from, where any were."""
    if row["collected_veto_rate"] is None:
        return "-"
    parts = [
        f"{_interval(row['collected_veto_rate'])} vetoed",
        f"{row['collected_n_missing']} missing",
        f"{row['collected_n_failed']} failed",
    ]
    return ", ".join(parts)


def _interval(interval: Mapping[str, Any] | None) -> str:
    if interval is None:
        return "-"
    mean = _number(interval["mean"])
    if interval["low"] is None:
        return mean
    return f"{mean} \\[{_number(interval['low'])}, {_number(interval['high'])}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _marked(count: int) -> str:
    return f"[yellow]{count}[/]" if count else "0"
