"""Watching: serves the app on this machine until it is ended."""

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import uvicorn

from simlab.apps.guard import Pass
from simlab.apps.server import Application, application
from simlab.errors import ConfigError
from simlab.trace.directory import RunDirectory
from simlab.train.directory import TrainingDirectory

PASSWORD: Final = "SIMLAB_PASSWORD"
"""The variable of the environment with the password of those who log in."""

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def watch(
    roots: list[Path],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    login: str | None = None,
    address: str | None = None,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the app; returns once it is ended by a signal.

    Args:
        roots: Folders with the runs that are shown, or a run.
        host: Address to listen at.
        port: To listen at; 0 is any that is free.
        login: Name by which others log in, with the password in `PASSWORD`; None for nobody.
        address: Of a Ray cluster; the runs that live there are shown as well.
        tell: Called with the address to open, once it can be opened.

    Raises:
        ConfigError: The address cannot be listened at, or strangers would be let in.
    """
    if host not in _LOOPBACK and login is None:
        raise ConfigError(f"whoever can reach {host} could look in; say who may by --auth NAME")
    entry = _login(login)
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(24)
    allowed = Pass(_names(host, port), token, f"simlab-{port}", entry)
    app = application([root.resolve() for root in roots], allowed, address=address)
    tell(f"http://{_shown(host)}:{port}{_page_of(roots)}token={token}")
    serve(app, listening)


def serve(app: Application, listening: socket.socket) -> None:
    """Serve an application at a socket until a signal ends it."""
    settings = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, ws="none")
    with suppress(KeyboardInterrupt):  # raised once more after it was obeyed
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
    """What to call an address in a link from this machine."""
    known = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
    return known.get(host, f"[{host}]" if ":" in host else host)


def _page_of(roots: list[Path]) -> str:
    """The page to begin with, up to where a further parameter stands."""
    [root, *others] = [root.resolve() for root in roots]
    if not others and RunDirectory.is_one(root):
        return f"/run?{urlencode({'run': root.name})}&"
    if not others and TrainingDirectory.is_one(root):
        return f"/training?{urlencode({'training': root.name})}&"
    return "/?"


def _names(host: str, port: int) -> frozenset[str]:
    """What browsers may call this server."""
    names = {host, *_LOOPBACK}
    if host in ("0.0.0.0", "::"):
        names |= {socket.gethostname(), socket.getfqdn()}
    return frozenset(f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in names)


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
