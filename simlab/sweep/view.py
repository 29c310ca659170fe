"""What the terminal shows of a sweep: its trials as they go, and what they came to."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from simlab.errors import ConfigError, LogWriteError
from simlab.sweep.directory import SweepDirectory
from simlab.sweep.launch import Sweep
from simlab.sweep.observer import SweepObserver
from simlab.sweep.sweep_file import SweepFile, read_sweep_file
from simlab.sweep.trial import Trial, best_of


class SweepView:
    """Follows a sweep with a line for each report.

    Args:
        console: Where to write.
        metric: Its name.
        trials: As they are, whose deaths so far are no news.
    """

    def __init__(self, console: Console, metric: str, trials: Sequence[Trial] = ()) -> None:
        self._console, self._metric = console, metric
        self._start_s = time.monotonic()
        self._deaths = {trial.number: trial.deaths for trial in trials}

    def observer(self) -> SweepObserver:
        """Keeps the view up to date."""
        return SweepObserver(self._on_trial)

    def _on_trial(self, trial: Trial) -> None:
        passed_s = time.monotonic() - self._start_s
        told = f"{passed_s:7.1f} s  trial {trial.number}: {self._news_of(trial)}"
        self._console.print(escape(told), highlight=False)

    def _news_of(self, trial: Trial) -> str:
        if trial.deaths > self._deaths.get(trial.number, 0):
            self._deaths[trial.number] = trial.deaths
            goes = trial.why or "another goes on from its last round"
            return f"its process has died; {goes}"
        if trial.state == "failed":
            return f"failed: {trial.why}"
        if trial.state == "ended":
            return f"ended, {self._metric} {_number(trial.value)}"
        last = trial.reports[-1]
        rest = ", stopped" if trial.state == "stopped" else ""
        return f"round {last.round}, {self._metric} {_number(last.value)}{rest}"


def follow_sweep(sweep: Sweep, console: Console) -> list[Trial]:
    """Sweep in sight of whoever sits at the terminal; gives the trials.

    Raises:
        ConfigError: Ctrl-C has stopped it; says how to go on.
        LogWriteError: The disk takes no more; says so too.
    """
    again = f"simlab sweep {sweep.directory.path} --resume"
    try:
        view = SweepView(console, sweep.file.metric, sweep.directory.trials())
        return sweep.run(view.observer())
    except KeyboardInterrupt:
        raise ConfigError(f"stopped; go on with: {again}") from None
    except LogWriteError as error:
        raise LogWriteError(f"{error.message}; then: {again}") from error


def file_of(directory: SweepDirectory) -> SweepFile:
    """The file of a sweep that was begun."""
    return read_sweep_file(directory.read()["sweep"])


def as_dict(directory: SweepDirectory, file: SweepFile, trials: Sequence[Trial]) -> dict[str, Any]:
    """What a sweep came to as plain data."""
    best = best_of(trials, file.mode)
    return {
        "sweep": str(directory.path),
        "metric": file.metric,
        "mode": file.mode,
        "trials": [asdict(trial) for trial in trials],
        "best": None if best is None else best.number,
        "file": None if best is None else str(directory.best),
    }


def show_sweep(
    console: Console, directory: SweepDirectory, file: SweepFile, trials: Sequence[Trial]
) -> None:
    """The table of a sweep, the best of its trials, and where its file is."""
    rounds = sorted({report.round for trial in trials for report in trial.reports})
    table = Table("trial", *file.space, "", *(f"round {n}" for n in rounds), box=None)
    for trial in trials:
        values = {report.round: report.value for report in trial.reports}
        table.add_row(
            str(trial.number),
            *(escape(_value(trial.point.get(key))) for key in file.space),
            _MARKS.get(trial.state, trial.state),
            *(_number(values[number]) if number in values else "" for number in rounds),
        )
    console.print(f"\n{file.metric} by round, {file.mode} is best", highlight=False)
    console.print(table)
    for trial in trials:
        if trial.why:
            console.print(escape(f"trial {trial.number} failed: {trial.why}"), highlight=False)
    _show_best(console, directory, file, trials)
    console.print(f"\nsweep: [bold]{escape(str(directory.path))}[/]", highlight=False)


_MARKS = {"failed": "[red]failed[/]", "stopped": "[yellow]stopped[/]"}


def _show_best(
    console: Console, directory: SweepDirectory, file: SweepFile, trials: Sequence[Trial]
) -> None:
    best = best_of(trials, file.mode)
    if best is None:
        console.print("no trial has ended with a value")
        return
    values = ", ".join(f"{key} {_value(value)}" for key, value in best.point.items())
    verb = "train" if file.kind == "training" else "run"
    told = f"best: trial {best.number}, {file.metric} {_number(best.value)}: {values}"
    console.print(escape(told), highlight=False, soft_wrap=True)
    if directory.best.is_file():
        again = f"its file: simlab {verb} {directory.best}"
        console.print(escape(again), highlight=False, soft_wrap=True)


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
