"""``simlab interview``: an agent of a run answers questions of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simlab.command_options import Directory, Json, Models
from simlab.errors import ConfigError
from simlab.exits import failures_told
from simlab.json_output import print_json

if TYPE_CHECKING:
    from simlab.sim.interview import Interview


def interview(
    directory: Directory,
    questions: Annotated[list[str], typer.Argument(metavar="QUESTION...", help="What is asked.")],
    seat: Annotated[str, typer.Option(help="Where the agent sits.")],
    episode: Annotated[int, typer.Option(help="Of which episode.")] = 0,
    step: Annotated[
        int | None, typer.Option(help="As it was before it acted in this step; the end by default.")
    ] = None,
    model: Models = None,
    seed: Annotated[int, typer.Option(help="By which answers are drawn.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="File that keeps the interview; one that is there goes on.")
    ] = None,
    json: Json = False,
) -> None:
    """Ask an agent of a run, as it was at a step; the run is not touched."""
    with failures_told():
        from simlab.sim.interview import Interview
        from simlab.sim.run import Run

        begun = Interview.of(
            Run(directory), seat=seat, episode=episode, step=step, models=model or [], seed=seed
        )
        if out is not None:
            _check_place(directory, out)
            begun = _going_on(begun, out)
        asked = begun.ask(*questions)
        if out is not None:
            asked.write(out)
        new = asked.exchanges[len(begun.exchanges) :]
        if json:
            told = [{"question": each.question, "answer": each.answer} for each in new]
            print_json({"run": asked.run, "episode": episode, "step": asked.step, "asked": told})
        else:
            print("\n\n".join(each.answer for each in new))


def _going_on(begun: "Interview", path: Path) -> "Interview":
    """The interview that a file keeps, or one that begins."""
    kept = type(begun).read(path)
    if kept is None:
        return begun
    if not kept.is_like(begun):
        raise ConfigError(
            f"{path} keeps an interview of seat {kept.seat!r} at step {kept.step} of episode "
            f"{kept.episode} of {kept.run}, or with other models; choose another file by --out"
        )
    return kept


def _check_place(directory: Path, path: Path) -> None:
    """See that an interview is kept beside nothing of the run."""
    if directory.resolve() in path.resolve().parents:
        raise ConfigError(
            f"{path} is in the run, which an interview does not touch; choose another"
        )
