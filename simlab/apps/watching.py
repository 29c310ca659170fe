"""Watching: serves the app on this machine until it is ended."""

import os
import re
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import uvicorn

from simlab.apps.guard import Pass, in_url
from simlab.apps.server import Application, application
from simlab.errors import ConfigError
from simlab.trace.directory import RunDirectory
from simlab.train.directory import TrainingDirectory

PASSWORD: Final = "SIMLAB_PASSWORD"
"""The variable of the environment with the password of those who log in."""

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_EVERYWHERE: Final = ("0.0.0.0", "::")

_NAME: Final = re.compile(r"([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(:[0-9]{1,5})?")
"""By what a tunnel or a proxy is addressed."""


def watch(
    roots: list[Path],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    login: str | None = None,
    names: Sequence[str] = (),
    address: str | None = None,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the app; returns once it is ended by a signal.

    Args:
        roots: Folders with the runs that are shown, or a run.
        host: Address to listen at.
        port: To listen at; 0 is any that is free.
        login: Name by which others log in, with the password in `PASSWORD`; None for nobody.
        names: By which people reach it else, ``HOST`` or ``HOST:PORT``, as through a proxy.
        address: Of a Ray cluster; the runs that live there are shown as well.
        tell: Called with the address to open, once it can be opened.

    Raises:
        ConfigError: The address cannot be listened at, a name is none, or strangers would be let
            in.
    """
    if host not in _LOOPBACK and login is None:
        raise ConfigError(f"whoever can reach {host} could look in; say who may by --auth NAME")
    entry, given = _login(login), [_name(name) for name in names]
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(24)
    hosts = _names(host, port) | {each for name in given for each in (name, _at(name, port))}
    allowed = Pass(hosts, token, f"simlab-{port}", entry)
    shown = f"{_shown(host)}:{port}"
    place = None if host in _LOOPBACK else shown
    app = application([root.resolve() for root in roots], allowed, place=place, address=address)
    with suppress(KeyboardInterrupt):  # from here on Ctrl-C is how it ends
        tell(f"http://{shown}{_page_of(roots)}token={token}")
        serve(app, listening)


def serve(app: Application, listening: socket.socket) -> None:
    """Serve an application at a socket until a signal ends it."""
    settings = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, ws="none")
    _Server(settings, app.end_waits).run([listening])


class _Server(uvicorn.Server):
    """A server that answers who waits for news when it ends, and waits for nobody who does not.

    Args:
        settings: Of uvicorn.
        end_waits: Called first.
    """

    def __init__(self, settings: uvicorn.Config, end_waits: Callable[[], None]) -> None:
        super().__init__(settings)
        self._end_waits = end_waits

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        self._end_waits()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {host}:{port}: {error.strerror or error}; choose another --port"
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _shown(host: str) -> str:
    """What to call an address in a link: where it is any, the machine has a name."""
    return socket.gethostname() if host in _EVERYWHERE else in_url(host)


def _page_of(roots: list[Path]) -> str:
    """The page to begin with, up to where a further parameter stands."""
    [root, *others] = [root.resolve() for root in roots]
    if not others and RunDirectory.is_one(root):
        return f"/run?{urlencode({'run': root.name})}&"
    if not others and TrainingDirectory.is_one(root):
        return f"/training?{urlencode({'training': root.name})}&"
    return "/?"


def _names(host: str, port: int) -> frozenset[str]:
    """What browsers may call this server, beside the address at which they reach it."""
    names = {host.lower(), *_LOOPBACK}
    if host in _EVERYWHERE:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(f"{in_url(name)}:{port}" for name in names)


def _name(given: str) -> str:
    """A name that somebody else gives to this server, as browsers send it.

    Raises:
        ConfigError: It is none.
    """
    name = given.strip().lower()
    if not _NAME.fullmatch(name):
        raise ConfigError(f"--name takes HOST or HOST:PORT, such as sim.example.org, got {given!r}")
    return name


def _at(name: str, port: int) -> str:
    """A name with the port at which this server listens, unless it has one."""
    return name if re.search(":[0-9]+$", name) else f"{name}:{port}"


def _login(name: str | None) -> tuple[str, str] | None:
    """Name and password of those who log in.

    Raises:
        ConfigError: There is no password.
    """
    if name is None:
        return None
    password = os.environ.get(PASSWORD, "")
    if not password:
        raise ConfigError(f"--auth {name} needs a password in the environment: {PASSWORD}=…")
    return name, password
