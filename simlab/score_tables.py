"""What the terminal shows of runs that were scored again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from simlab.sim.scoring.rescore import FOLDER, read_reports


class CaseBar:
    """Follows a judging on a terminal with a bar, in a pipe with plain lines.

    Args:
        console: Where to write.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("judged", total=None)

    @contextmanager
    def shown(self) -> Iterator[Callable[[int, int], None]]:
        """Show the bar while the block runs; call what it gives with done and all."""
        with self._progress:
            yield self._on_case

    def _on_case(self, n_done: int, n_all: int) -> None:
        self._progress.update(self._task, completed=n_done, total=n_all)
        if not self._console.is_terminal and n_done % max(1, n_all // 10) == 0:
            self._console.print(f"{n_done} of {n_all} cases are judged")


def show_report(console: Console, report: Mapping[str, Any]) -> None:
    """What a judging came to: first how far its judges can be trusted, then what they say."""
    show_trust(console, report)
    left_out = f", {report['n_left_out']} left out" if report["n_left_out"] else ""
    console.print(f"\n{report['n_judged']} episodes judged{left_out}", highlight=False)
    table = Table("judge", "mean", "95 % interval", "n", "missing", "failed", box=None)
    for mean in report["means"]:
        interval = mean["interval"] or {"mean": None, "low": None, "high": None, "n": 0}
        ends = f"{_number(interval['low'])} to {_number(interval['high'])}"
        table.add_row(
            escape(mean["rater"]),
            _number(interval["mean"]),
            ends if interval["low"] is not None else "-",
            str(interval["n"]),
            _marked(mean["n_missing"]),
            _marked(mean["n_failed"]),
        )
    console.print(table)
    _show_failures(console, report["means"])


def show_trust(console: Console, report: Mapping[str, Any]) -> None:
    """How far judges can be trusted: their ``trials`` on labelled cases, and their agreement."""
    _show_trials(console, report["trials"])
    _show_agreements(console, report["agreements"])


def show_scores_beside(console: Console, run: Path) -> None:
    """The judgings that lie beside a run."""
    for name, report in read_reports(run).items():
        console.print(f"\nscored again in [bold]{escape(f'{FOLDER}/{name}')}[/]", highlight=False)
        show_report(console, report)


def _show_trials(console: Console, trials: list[Mapping[str, Any]]) -> None:
    if not trials:
        console.print("no labelled cases: AUC unknown")
        return
    table = Table("on labelled cases", "AUC", "n", "missing", box=None)
    for trial in trials:
        row = (_number(trial["auc"]), str(trial["n"]), _marked(trial["n_missing"]))
        table.add_row(escape(trial["rater"]), *row)
    console.print(table)
    _show_failures(console, trials)


def _show_failures(console: Console, raters: Sequence[Mapping[str, Any]]) -> None:
    """Why each judge failed first; its members fail as it does."""
    for told in raters:
        if told.get("failure") and "." not in told["rater"]:
            words = f"{told['rater']} failed first with: {told['failure']}"
            console.print(f"[yellow]{escape(words)}[/]", highlight=False, soft_wrap=True)


def _show_agreements(console: Console, agreements: list[Mapping[str, Any]]) -> None:
    for agreement in agreements:
        pairs = [f"{pair} {_number(rho)}" for pair, rho in agreement["spearman"].items()]
        told = f"; Spearman: {'; '.join(pairs)}" if pairs else ""
        console.print(
            f"agreement in {escape(agreement['panel'])}: Krippendorff's alpha "
            f"{_number(agreement['alpha'])}{escape(told)}",
            highlight=False,
            soft_wrap=True,
        )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _marked(count: int) -> str:
    return f"[yellow]{count}[/]" if count else "0"
