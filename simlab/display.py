"""What the terminal shows of a run: its transcript, its progress, and what it came to."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import indent
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from simlab.agents.colours import colour_of
from simlab.models.serving import RUNNING
from simlab.sim.casting import models_of, takes_seed
from simlab.sim.control.told import interventions
from simlab.sim.run import Episode, Run
from simlab.sim.service import ServiceStatus
from simlab.sim.simulation import Observer
from simlab.sim.staging import EpisodeResult, StepNews, mark_of
from simlab.sim.summary import EpisodeSummary
from simlab.trace.accounts import Account, total, usage
from simlab.trace.trajectory import words
from simlab.trace.tree import Node, calls_in_words, chat_of

_MARKS = {
    "invalid": "[yellow](no answer fitted: its default was played)[/]",
    "late": "[yellow](too late: its default was played)[/]",
    "said": "[yellow](said by a person)[/]",
}


_ENDLESS = 1 << 24
"""Cells in a line that is never wrapped."""


class LiveView:
    """Follows a run on a terminal with a bar, in a pipe with plain lines.

    Args:
        console: Where to write.
        n_episodes: How many episodes will be played.
        bar: False: no bar, as where a person types into the same terminal.
    """

    def __init__(self, console: Console, n_episodes: int, *, bar: bool = True) -> None:
        self._console = console
        self._counts: Counter[str] = Counter()
        self._start = time.monotonic()
        self._n_episodes = n_episodes
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[steps]} steps"),
            console=console,
            transient=True,
            disable=not (bar and console.is_terminal),
        )
        self._task = self._progress.add_task("episodes", total=n_episodes, steps=0)

    @contextmanager
    def shown(self) -> Iterator[Observer]:
        """Show the view while the block runs; the observer keeps it up to date."""
        with self._progress:
            yield Observer(self._on_step, self._on_episode, self._on_notice)

    def _on_step(self, news: StepNews) -> None:
        self._counts["steps"] += 1
        for seat, text, mark in news.lines:
            self._console.print(_line(seat, text, mark), highlight=False, soft_wrap=True)
        self._progress.update(self._task, steps=self._counts["steps"])

    def _on_episode(self, result: EpisodeResult) -> None:
        self._counts["done"] += 1
        self._counts["tokens"] += usage(result.accounts)["completion_tokens"]
        self._progress.update(self._task, advance=1)
        tenth = max(1, self._n_episodes // 10)
        if not self._console.is_terminal and self._counts["done"] % tenth == 0:
            self._console.print(f"{self._counts['done']} of {self._n_episodes} episodes have ended")

    def _on_notice(self, notice: str) -> None:
        self._console.print(f"[yellow]{escape(notice)}[/]")


def show_summary(
    console: Console, run: Run, *, episode: int | None = None, seconds: float | None = None
) -> None:
    """What a run came to, or one of its episodes."""
    summary = run.summary
    console.print()
    if episode is not None or len(summary.episodes) == 1:
        shown = [run.episode(episode or 0)]
        _show_facts(console, shown[0])
    else:
        shown = list(run.episodes)
        _show_returns(console, run)
    _show_accounts(console, [account for one in shown for account in one.summary.accounts], seconds)
    _show_failures(console, [one.summary for one in shown])


def show_next(console: Console, run: Run) -> None:
    """The run's directory, and commands to try next."""
    path = run.path
    console.print(f"\nrun directory: [bold]{escape(str(path))}[/]", highlight=False)
    console.print("next:")
    change = _change(run)
    for command in (
        f"simlab show {path}",
        f"simlab replay {path}",
        *([f"simlab branch {path} --episode 0 {change}"] if change else []),
        f"simlab export {path} --to parquet",
    ):
        console.print(f"  {escape(command)}", highlight=False, soft_wrap=True)


def _change(run: Run) -> str:
    """What a branch might change: what was said early in the first episode, or else the draws.

    Empty where nobody says anything and nothing is drawn.
    """
    episode = run.episode(0)
    for turn in reversed(episode.turns()[:3]):
        if turn.acted is not None and _has_words(turn.acted.action):
            return f'--step {turn.step} --say {turn.acted.seat}="No."'
    n_steps = episode.summary.n_steps
    drawn = any(takes_seed(spec) or models_of(spec, run.file) for spec in run.file.cast.values())
    return f"--step {min(1, n_steps - 1)} --seed 1" if drawn and n_steps else ""


def _show_accounts(
    console: Console, accounts: Sequence[Account], seconds: float | None = None
) -> None:
    """What the model calls came to: together, and by model and seat where there are several."""
    together = usage(accounts)
    dollars = sum(account.dollars for account in accounts)
    paid = f" for ${dollars:,.4f}" if dollars else ""
    spent = f" in {seconds:.1f} s" if seconds is not None else ""
    console.print(
        f"{together['calls']} model calls: {together['prompt_tokens']:,} tokens read, "
        f"{together['completion_tokens']:,} drawn{paid}{spent}",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False)
    for column in ("", "calls", "read", "cached", "drawn", "in model", "waiting", "retries"):
        table.add_column(column, justify="right" if column else "left")
    for by in ("model", "actor"):
        for name, account in total(accounts, by).items():
            table.add_row(escape(name), *_account_cells(account))
    console.print(table)


def _account_cells(account: Account) -> list[str]:
    counts = (account.calls, account.prompt_tokens, account.cached_tokens)
    return [
        *(f"{count:,}" for count in (*counts, account.completion_tokens)),
        f"{account.model_s:.1f} s",
        f"{account.queue_s:.1f} s",
        f"{account.retries:,}",
    ]


def _has_words(action: Any) -> bool:
    if isinstance(action, str):
        return " " in action
    return isinstance(action, dict) and not {"say", "text"}.isdisjoint(action)


def show_service(console: Console, statuses: Sequence[ServiceStatus]) -> None:
    """What serves each model, what it is busy with, and what is wrong with it."""
    if not statuses:
        console.print("SimLab serves no models on this cluster")
        return
    table = Table("model", "app", "state", "replicas", "running", "tokens read", "cached", box=None)
    for status in statuses:
        answering = [replica for replica in status.replicas if replica is not None]
        engines = [replica.engine for replica in answering if replica.engine is not None]
        table.add_row(
            escape(status.name),
            status.app.name,
            status.app.state,
            str(status.app.n_replicas),
            str(sum(replica.running for replica in answering)),
            f"{sum(engine.prompt_tokens for engine in engines):,}",
            f"{sum(engine.cached_tokens for engine in engines):,}",
        )
    console.print(table)
    for trouble in dict.fromkeys(_troubles(statuses)):
        console.print(f"[yellow]{escape(trouble)}[/]", highlight=False, soft_wrap=True)


def _troubles(statuses: Iterable[ServiceStatus]) -> Iterator[str]:
    for status in statuses:
        for number, replica in enumerate(status.replicas):
            if replica is None:
                yield f"{status.app.name}: replica {number} does not answer"
        if status.app.message and status.app.state != RUNNING:
            yield f"{status.app.name}: {status.app.message}"


def show_transcript(console: Console, episode: Episode) -> None:
    """What was done in an episode, and by people to it, a line each, as far as it went."""
    turns = [
        (turn.step, 1, _line(turn.acted.seat, words(turn.acted.action), mark_of(turn.acted)))
        for turn in episode.turns()
        if turn.acted is not None
    ]
    done = [
        (each.step, 0, f"[yellow]({escape(f'{each.seat} {each.words}'.strip())})[/]")
        for each in interventions(episode.run.log, episode.number)
    ]
    for step, _, line in sorted([*turns, *done], key=lambda told: told[:2]):
        console.print(f"[dim]{step:3}[/] {line}", highlight=False, soft_wrap=True)


def show_tree(console: Console, root: Node) -> None:
    """A part of an episode with all that is in it: spans, prompts, what came of them, errors."""
    ahead = [(root, 0)]
    while ahead:
        node, depth = ahead.pop()
        for line in _node_lines(node):
            console.print(_indented(console, line, 2 * depth), highlight=False)
        ahead.extend((child, depth + 1) for child in reversed(node.children))


def console_for(*, json: bool) -> Console:
    """Standard output, or standard error where standard output is for programs.

    Lines are as wide as a terminal is, and in a pipe as long as they are.
    """
    console = Console(stderr=json, file=sys.stderr if json else None)
    if not console.is_terminal:
        console.width = _ENDLESS
    return console


def _line(seat: str, text: str, mark: str) -> str:
    marked = f" {_MARKS[mark]}" if mark else ""
    return f"[bold {colour_of(seat)}]{escape(seat)}[/]: {escape(text)}{marked}"


def _show_facts(console: Console, episode: Episode) -> None:
    """How an episode ended: what the world says of it and of each seat, returns, scores."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in episode.facts().items():
        table.add_row(escape(name), _fact(value))
    for judge, score in episode.summary.scores.items():
        table.add_row(f"judge {escape(judge)}", _score(score, 6))
    if table.rows:
        console.print(table)
    of_seats = episode.seat_facts()
    names = list(dict.fromkeys(name for facts in of_seats.values() for name in facts))
    returns, ratings = episode.summary.returns, episode.summary.ratings
    are_rated = _are_rated(returns, ratings)
    gained = ratings if are_rated else returns
    last = "rating" if are_rated else "return"
    seats = Table("seat", *map(escape, names), last, box=None, pad_edge=False)
    for seat in returns:
        facts = of_seats.get(seat, {})
        seats.add_row(
            escape(seat),
            *[_fact(facts[name]) if name in facts else "" for name in names],
            _score(gained[seat], 6) if seat in gained else "",
        )
    console.print(seats)


def _are_rated(returns: Mapping[str, float], ratings: Mapping[str, float | None]) -> bool:
    """Whether seats are told of by the ratings that some gave: nobody got rewards."""
    return bool(ratings) and not any(returns.values())


def _score(value: float | None, n_digits: int) -> str:
    return "missing" if value is None else f"{value:.{n_digits}g}"


def _fact(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else escape(words(value))


def _show_returns(console: Console, run: Run) -> None:
    summary = run.summary
    returns, ratings = summary.mean_returns(), summary.mean_ratings()
    are_rated = _are_rated(returns, ratings)
    means = ratings if are_rated else returns
    table = Table("seat", "mean rating" if are_rated else "mean return", box=None, pad_edge=False)
    for seat, mean in means.items():
        table.add_row(escape(seat), _score(mean, 4))
    for judge, score in summary.mean_scores().items():
        table.add_row(f"judge {escape(judge)}", _score(score, 4))
    console.print(
        f"{summary.n_ended} of {len(summary.episodes)} episodes ended, {summary.n_failed} failed, "
        f"{sum(episode.n_steps for episode in summary.episodes)} steps",
        highlight=False,
    )
    console.print(table)


def _show_failures(console: Console, episodes: Sequence[EpisodeSummary]) -> None:
    failed = [episode for episode in episodes if episode.failure is not None]
    for episode in failed[:5]:
        console.print(
            f"[red]episode {episode.episode} failed[/] ({episode.boundary}): "
            f"{escape(episode.failure or '')}",
            soft_wrap=True,
        )
    if len(failed) > 5:
        console.print(f"[red]and {len(failed) - 5} more failed[/]")


def _node_lines(node: Node) -> Iterator[str]:
    """What a node of a tree says: its name, how it went, and what went in and came out."""
    took = f" [dim]{node.duration_s:.3f} s[/]" if node.duration_s is not None else ""
    state = f" [yellow]{node.state}[/]" if node.state in ("open", "error") else ""
    yield f"[bold]{escape(node.name)}[/]{state}{took}"
    if node.type == "effect" and node.kind == "model":
        yield from (f"[dim]{escape(role)}:[/] {escape(text)}" for role, text in _chat_of(node))
        yield f"[green]{escape(_answer_of(node.result))}[/]"
    elif node.type in ("effect", "note") or (node.type == "span" and node.inputs):
        yield escape(words(node.inputs or node.result))
    if node.error is not None:
        yield f"[red]{escape(node.error.type)}: {escape(node.error.message)}[/]"


def _indented(console: Console, lines: str, n_cells: int) -> Padding | str:
    """Lines that are set in; on a terminal also where they are wrapped."""
    if console.is_terminal:
        return Padding(lines, (0, 0, 0, n_cells))
    return indent(lines, " " * n_cells)


def _chat_of(node: Node) -> Iterator[tuple[str, str]]:
    prompt = node.inputs["prompt"]
    if prompt and isinstance(prompt[0], int):
        yield "token ids", str(prompt)
    else:
        yield from chat_of(prompt)


def _answer_of(result: Any) -> str:
    """The words and calls of a completion, or the probabilities of choices."""
    if isinstance(result, dict) and "text" in result:
        calls = calls_in_words(result.get("calls", ()))
        return "\n".join(filter(None, (str(result["text"]), *calls)))
    return "" if result is None else words(result)
