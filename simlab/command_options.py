"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Scenario = Annotated[
    str, typer.Argument(help="A bundled scenario, a run file, or with --resume a run directory.")
]
File = Annotated[str, typer.Argument(help="A bundled scenario or a run file.")]
Directory = Annotated[Path, typer.Argument(metavar="RUN", help="The directory of a run.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]
People = Annotated[
    bool, typer.Option("--people", help="Let people take the seats of humans as it goes on.")
]
Address = Annotated[str | None, typer.Option(help="Ray cluster to join.")]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", metavar="NAME=ENGINE[:WEIGHTS]", help="Replace a model, or all=… of them."
    ),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the run file.")
]
