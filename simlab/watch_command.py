"""The command ``simlab watch``."""

from pathlib import Path
from typing import Annotated

import typer

from simlab.command_options import Address
from simlab.errors import ConfigError
from simlab.exits import failures_told


def watch(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN]", help="A run, a training, or a folder of them."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(help="Address to listen at; 0.0.0.0 for other machines too, with --auth."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any that is free.")] = 0,
    auth: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Let others log in; password in SIMLAB_PASSWORD."),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST[:PORT]", help="What a tunnel or proxy calls this; may be repeated."
        ),
    ] = None,
    address: Address = None,
    browser: Annotated[bool, typer.Option("--open", help="Open a browser too.")] = False,
) -> None:
    """Look at runs in a browser, finished or live: read, steer, branch, take a seat.

    Without a run it shows those below the working directory; with the address of a Ray cluster
    those too that live there. The address that is printed has a
    token in it: whoever has the address may see and steer everything.

    It speaks plain HTTP. From another machine it is best reached through a tunnel,
    `ssh -L PORT:127.0.0.1:PORT MACHINE`, at the address that is printed; or behind a proxy that
    speaks HTTPS, whose name is given by --name.
    """
    with failures_told():
        root = Path.cwd() if path is None else path
        if not root.is_dir():
            raise ConfigError(f"there is no folder {root}; runs are listed by `ls runs`")
        from simlab.actors.ray_address import named_address
        from simlab.find import find

        try:
            serve = find("simlab.apps.watching:watch")
        except ConfigError as error:
            if not isinstance(error.__cause__, ModuleNotFoundError):
                raise
            raise ConfigError(
                f"the app needs {error.__cause__.name}: pip install 'simlab[watch]'"
            ) from error
        cluster = named_address(address)
        tell = _opening if browser else _telling
        given = {"host": host, "port": port, "login": auth, "names": name or ()}
        serve([root], **given, address=cluster, tell=tell)


def _telling(address: str) -> None:
    print(address, flush=True)


def _opening(address: str) -> None:
    import webbrowser  # which few need

    _telling(address)
    webbrowser.open(address)
