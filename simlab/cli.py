"""The command line: ``simlab run``, ``show``, ``judge``, ``replay``, ``train`` and others.

Commands import what they need when they run, so that ``simlab --help`` is quick. They exit with 0
when done, 1 when the run failed, and 2 when what was given cannot be run.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from simlab.command_options import Address, Directory, Json, Models, People, Scenario, Settings
from simlab.errors import (
    ConfigError,
    JudgeError,
    LogWriteError,
    RunStoppedError,
    StrayExitError,
)
from simlab.exits import failures_told
from simlab.interview_command import interview
from simlab.json_output import print_json
from simlab.serve_commands import models
from simlab.sweep_commands import sweep, tell_sweep
from simlab.watch_command import watch

if TYPE_CHECKING:
    from rich.console import Console

    from simlab.sim.launch import Launch
    from simlab.sim.run import Run

app = typer.Typer(
    name="simlab",
    help="Run, replay and branch simulations of societies of language-model agents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def run(
    scenario: Scenario,
    episodes: Annotated[int | None, typer.Option(help="How many episodes.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.")] = None,
    out: Annotated[Path | None, typer.Option(help="Directory of the run.")] = None,
    hosts: Annotated[str, typer.Option(help="Ray hosts; 0 is this process, or auto.")] = "auto",
    address: Address = None,
    model: Models = None,
    settings: Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --resume: try failed episodes again.")
    ] = False,
    people: People = False,
    json: Json = False,
) -> None:
    """Run a simulation: live transcript of the first episode, progress, summary, directory."""
    with failures_told():
        from simlab.sim.launch import prepare

        launch = prepare(
            scenario,
            episodes=episodes,
            seed=seed,
            out=out,
            hosts=_hosts(hosts),
            address=address,
            models=model or [],
            settings=settings or [],
            resume=resume,
            retry_failed=retry_failed,
            people=people,
        )
        _watch(launch, json=json)


@app.command()
def scenarios() -> None:
    """List the bundled scenarios."""
    from simlab.sim.config import load_run_file, scenario_names

    with failures_told():
        names = scenario_names()
        for name in names:
            print(f"{name:{max(map(len, names))}}  {load_run_file(name).description}")


@app.command()
def show(
    directory: Directory,
    episode: Annotated[int | None, typer.Option(help="Only this episode.")] = None,
    step: Annotated[
        int | None, typer.Option(help="With --episode: this step, down to each model call.")
    ] = None,
    digest: Annotated[bool, typer.Option("--digest", help="Print the digest alone.")] = False,
    json: Json = False,
) -> None:
    """Show what a run came to, its transcript, scores, tokens, failures; or a training, a sweep."""
    with failures_told():
        from simlab.sim.run import Run

        given = {"--episode": episode, "--step": step, "--digest": digest or None}
        if (directory / "train.yaml").is_file():
            _check_of_a_run(directory, given, "training", "rounds/*/*")
            _show_training(directory, json=json)
            return
        if (directory / "sweep.yaml").is_file():
            _check_of_a_run(directory, given, "sweep", "trials/*")
            tell_sweep(directory, json=json)
            return

        shown = Run(directory)
        if digest:
            print(shown.digest)
        elif json:
            print_json(shown.as_dict(episode))
        elif step is not None:
            _show_step(shown, episode or 0, step)
        else:
            _show(shown, episode)


@app.command()
def judge(
    directory: Directory,
    file: Annotated[
        Path,
        typer.Option("--with", metavar="FILE", help="Judges, by file or name of a bundled one."),
    ],
    name: Annotated[str | None, typer.Option(help="Of its folder under RUN/scores.")] = None,
    model: Models = None,
    settings: Settings = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Judge again where a judge failed.")
    ] = False,
    json: Json = False,
) -> None:
    """Score a finished run again with other judges, beside it and never in its digest."""
    with failures_told():
        from simlab.display import console_for
        from simlab.score_tables import CaseBar, show_report
        from simlab.sim.scoring.judge_file import load_judge_file
        from simlab.sim.scoring.rescore import prepare_rescore

        judges = load_judge_file(file, models=model or [], settings=settings or [])
        rescore = prepare_rescore(directory, judges, name=name, retry_failed=retry_failed)
        console = console_for(json=json)
        try:
            with CaseBar(console).shown() as on_case:
                report = rescore.score(on_case)
        except KeyboardInterrupt:
            raise ConfigError("stopped; the same command goes on with it") from None
        if json:
            print_json({"scores": str(rescore.directory.path), **report.as_dict()})
        else:
            show_report(console, report.as_dict())
            console.print(f"\nscores: {rescore.directory.path}", highlight=False, soft_wrap=True)
        if report.has_nothing:
            raise JudgeError("all judges failed on all episodes; try again by --retry-failed")


@app.command()
def train(
    training: Annotated[
        str, typer.Argument(help="A bundled training, its file, or with --resume its directory.")
    ],
    out: Annotated[Path | None, typer.Option(help="Directory of the training.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the training.")] = None,
    settings: Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training.")] = False,
    json: Json = False,
) -> None:
    """Train an agent on what was rated best: rounds of play, training, comparison, publication."""
    with failures_told():
        from simlab.display import console_for
        from simlab.train.launch import prepare_training
        from simlab.train.view import as_dict, follow, show_training

        prepared = prepare_training(
            training, out=out, seed=seed, settings=settings or [], resume=resume
        )
        console = console_for(json=json)
        rows = follow(prepared, console)
        if json:
            print_json(as_dict(prepared.directory, rows))
        else:
            show_training(console, prepared.directory, rows)


@app.command()
def replay(directory: Directory, json: Json = False) -> None:
    """Run it again from its effects and compare every digest with the record."""
    with failures_told():
        from simlab.display import console_for
        from simlab.sim.blocking import run_async
        from simlab.sim.replay import replay as replay_run
        from simlab.sim.run import Run

        console = console_for(json=json)
        with console.status("replaying"):
            replayed = Run(directory)
            n_episodes, summary = run_async(replay_run(replayed)), replayed.summary
        unfinished = summary.n_unfinished
        if json:
            told = {"episodes": n_episodes, "unfinished": unfinished, "same": True}
            print_json({"run": str(directory), **told})
        else:
            rest = f"; {unfinished} of {len(summary.episodes)} are unfinished" if unfinished else ""
            console.print(f"{n_episodes} episodes replayed from their effects: all the same{rest}")


@app.command()
def branch(
    directory: Directory,
    episode: Annotated[int, typer.Option(help="Episode to branch.")] = 0,
    step: Annotated[int, typer.Option(help="First step that may differ.")] = 0,
    say: Annotated[
        list[str] | None, typer.Option(metavar="SEAT=TEXT", help="What a seat does at the step.")
    ] = None,
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option(help="Draw fresh continuations.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="How many, with --seed.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Directory of the branch.")] = None,
    people: People = False,
    json: Json = False,
) -> None:
    """Make a run that shares an episode's beginning, changes one thing, and goes on."""
    with failures_told():
        from simlab.sim.launch import prepare_branch

        launch = prepare_branch(
            directory,
            episode=episode,
            step=step,
            say=_pairs("--say", say),
            settings=settings or [],
            seed=seed,
            samples=samples,
            out=out,
            people=people,
        )
        _watch(launch, json=json)


@app.command()
def export(
    directory: Directory,
    to: Annotated[
        Literal["parquet", "jsonl", "html", "inspect"], typer.Option(help="The format.")
    ] = "parquet",
    out: Annotated[Path | None, typer.Option(help="Folder for parquet, else a file.")] = None,
) -> None:
    """Write a run as tables, as lines of events, as one offline page, or as a log of Inspect."""
    with failures_told():
        from simlab.view.export import default_target, export_run
        from simlab.view.guard import require_own

        target = out or default_target(directory, to)
        _check_target(directory, target, to)
        if out is None:
            require_own(directory, target)  # a folder from a stranger may hold links
        notice = export_run(directory, target, to)
        if notice:
            print(f"simlab: {notice}", file=sys.stderr)
        print(target)


app.command()(interview)
app.command()(sweep)
app.command()(watch)
app.add_typer(models)


def main() -> None:
    """Run the command line."""
    app()


def _watch(launch: "Launch", *, json: bool) -> None:
    """Run what was prepared, in sight of whoever sits at the terminal."""
    from simlab.display import LiveView, console_for, show_next, show_summary

    console = console_for(json=json)
    path = launch.directory.path
    _tell_world(console, launch.file.name, launch.directory.read_run())
    start = time.monotonic()
    again = f"simlab run {path} --resume{' --people' if launch.people else ''}"
    try:
        view = LiveView(console, launch.file.episodes, bar=not launch.has_people)
        with view.shown() as observer:
            run = launch.run(observer)
    except (KeyboardInterrupt, RunStoppedError):
        raise ConfigError(f"stopped; go on with: {again}") from None
    except (LogWriteError, StrayExitError) as error:
        raise type(error)(f"{error.message}; then: {again}") from error
    if json:
        print_json(run.as_dict())
    else:
        show_summary(console, run, seconds=time.monotonic() - start)
        show_next(console, run)
    if run.summary.n_ended == 0:
        raise SystemExit(1)


def _tell_world(console: "Console", what: str, record: Mapping[str, Any]) -> None:
    """What the world of a run has said of itself, if it has."""
    if record.get("world"):
        console.print(f"{what}: {record['world']}", highlight=False, markup=False, soft_wrap=True)


def _check_of_a_run(directory: Path, given: Mapping[str, object], what: str, where: str) -> None:
    """See that nothing was asked of a training or a sweep that only a run has."""
    for option, value in given.items():
        if value is not None:
            raise ConfigError(
                f"{option} is of a run, got the {what} {directory}; show one of {directory}/{where}"
            )


def _show_training(directory: Path, *, json: bool) -> None:
    from simlab.display import console_for
    from simlab.train.directory import TrainingDirectory
    from simlab.train.view import as_dict, read_rows, show_training

    opened = TrainingDirectory.open(directory)
    rows = read_rows(opened)
    if json:
        print_json(as_dict(opened, rows))
    else:
        show_training(console_for(json=json), opened, rows)


def _show(run: "Run", episode: int | None) -> None:
    from simlab.display import console_for, show_summary, show_transcript
    from simlab.score_tables import show_scores_beside

    console = console_for(json=False)
    shown = 0 if episode is None and len(run.summary.episodes) == 1 else episode
    console.print(f"{run.file.name}: {run.file.description}", highlight=False)
    _tell_world(console, "world", run.record)
    if shown is not None:
        show_transcript(console, run.episode(shown))
    show_summary(console, run, episode=episode)
    show_scores_beside(console, run.path)


def _show_step(run: "Run", episode: int, step: int) -> None:
    from simlab.display import console_for, show_tree

    found = [node for node in run.episode(episode).tree().children if node.step == step]
    if not found:
        raise ConfigError(f"episode {episode} of {run.path} has no step {step}")
    show_tree(console_for(json=False), found[0])


def _check_target(directory: Path, target: Path, to: str) -> None:
    """See that an export makes what it is to make, and replaces nothing of the run itself.

    Raises:
        ConfigError: It would not.
    """
    wanted, other = ("folder", "file") if to == "parquet" else ("file", "folder")
    if target.exists() and target.is_dir() != (wanted == "folder"):
        raise ConfigError(f"--to {to} writes a {wanted}, got the {other} {target}; choose another")
    own = {directory / name for name in ("run.yaml", "summary.json", "lock", "segments")}
    if {path.resolve() for path in own} & {target.resolve(), *target.resolve().parents}:
        raise ConfigError(f"{target} belongs to the run itself; choose another place by --out")


def _hosts(hosts: str) -> int | Literal["auto"]:
    if hosts == "auto":
        return "auto"
    if not hosts.isdigit():
        raise ConfigError(f"--hosts takes a number or auto, got {hosts!r}")
    return int(hosts)


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """``NAME=TEXT`` options as a mapping."""
    pairs = {}
    for pair in given or []:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ConfigError(f"{option} takes SEAT=TEXT, got {pair!r}")
        pairs[name] = text
    return pairs


if __name__ == "__main__":
    main()
