"""The commands ``simlab models up``, ``status`` and ``down``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from simlab.command_options import Address, File, Models, Settings
from simlab.exits import failures_told

if TYPE_CHECKING:
    from simlab.sim.config import RunFile

models = typer.Typer(
    name="models", help="Serve a run file's models for all runs of a cluster.", no_args_is_help=True
)


@models.command()
def up(
    file: File, address: Address = None, model: Models = None, settings: Settings = None
) -> None:
    """Serve the models of a run file until they are taken down; runs that join use them."""
    _serve("up", address, _file(file, model, settings))


@models.command()
def status(
    file: Annotated[
        str | None, typer.Argument(help="A bundled scenario or a run file; all if left out.")
    ] = None,
    address: Address = None,
    model: Models = None,
    settings: Settings = None,
) -> None:
    """Tell how the models of a run file are, or all that the cluster serves."""
    _serve("status", address, None if file is None else _file(file, model, settings))


@models.command()
def down(
    what: Annotated[
        str, typer.Argument(help="A bundled scenario, a run file, or an app that status tells of.")
    ],
    address: Address = None,
    model: Models = None,
    settings: Settings = None,
) -> None:
    """End what serves the models of a run file, or one app."""
    from simlab.models.serving import PREFIX

    is_app = what.startswith(PREFIX) and not Path(what).exists()
    _serve("down", address, what if is_app else _file(what, model, settings))


def _file(scenario: str, models: list[str] | None, settings: list[str] | None) -> "RunFile":
    """A run file whose models can be served, so that no cluster is joined for another."""
    with failures_told():
        from simlab.sim.config import load_run_file
        from simlab.sim.service import served_specs

        file = load_run_file(scenario, models=models or [], settings=settings or [])
        served_specs(file)
        return file


def _serve(verb: Literal["up", "status", "down"], address: str | None, file: Any) -> None:
    with failures_told():
        from simlab.display import console_for, show_service
        from simlab.sim.blocking import run_async
        from simlab.sim.service import connected

        console = console_for(json=False)

        async def serve() -> None:
            async with connected(address) as service:
                show_service(console, await getattr(service, verb)(file))

        with console.status(verb):
            run_async(serve())
