"""The command ``simlab sweep``, and what ``simlab show`` shows of a sweep."""

from pathlib import Path
from typing import Annotated

import typer

from simlab.command_options import Json, Settings
from simlab.exits import failures_told
from simlab.json_output import print_json


def sweep(
    file: Annotated[
        str, typer.Argument(help="A bundled sweep, its file, or with --resume its directory.")
    ],
    out: Annotated[Path | None, typer.Option(help="Directory of the sweep.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of what is drawn from the space.")] = None,
    settings: Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep.")] = False,
    json: Json = False,
) -> None:
    """Try a training or a run under several settings: trials share models, the worst are stopped.

    Keys below `training.` or `run.` are set in what is tried, all others in the file of the sweep.
    """
    with failures_told():
        from simlab.display import console_for
        from simlab.sweep.launch import prepare_sweep
        from simlab.sweep.trial import best_of
        from simlab.sweep.view import follow_sweep

        prepared = prepare_sweep(file, out=out, seed=seed, settings=settings or [], resume=resume)
        trials = follow_sweep(prepared, console_for(json=json))
        tell_sweep(prepared.directory.path, json=json)
    if best_of(trials, prepared.file.mode) is None:
        raise SystemExit(1)


def tell_sweep(path: Path, *, json: bool) -> None:
    """Show what a sweep came to so far."""
    from simlab.display import console_for
    from simlab.sweep.directory import SweepDirectory
    from simlab.sweep.view import as_dict, file_of, show_sweep

    directory = SweepDirectory.open(path)
    file, trials = file_of(directory), directory.trials()
    if json:
        print_json(as_dict(directory, file, trials))
    else:
        show_sweep(console_for(json=False), directory, file, trials)
