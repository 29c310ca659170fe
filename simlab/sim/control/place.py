"""Where the socket of a run is: in its directory, or where that path is too long for one."""

import hashlib
import os
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from simlab.errors import ControlError

SOCKET = "control.sock"

_LONGEST = 107
"""Bytes of a socket's path that Linux takes, without the zero at its end."""


def bind(run: Path) -> tuple[socket.socket, Path]:
    """A socket that only this user can connect to, and where it is; nobody else listens there.

    Args:
        run: The run's directory, which this process has locked.

    Raises:
        OSError: The place takes none.
        ControlError: The folder for it belongs to somebody else.
    """
    run = run.resolve()
    path = run / SOCKET
    _forget(run)
    if len(os.fsencode(path)) > _LONGEST:
        path = elsewhere(run)
        path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.bind(str(path))
        path.chmod(0o600)  # nobody can connect before it listens
    except BaseException:
        listening.close()
        raise
    return listening, path


def unbind(run: Path, path: Path) -> None:
    """Take away what `bind` has made."""
    path.unlink(missing_ok=True)
    _forget(run.resolve())


def find(run: Path) -> Path:
    """Where the socket of a run is.

    A run may come from a stranger: it is connected to this run's own socket, of this user, or to
    none.

    Raises:
        ControlError: There is none: the run has ended, or is on another machine.
    """
    run = run.resolve()
    for path in (run / SOCKET, elsewhere(run)):
        if _is_own_socket(path):
            return path
    raise ControlError(
        f"{run} has no socket of this user; a run that has ended, or is on another machine, can be "
        "seen and not steered"
    )


def elsewhere(run: Path) -> Path:
    """Where the socket is of a run whose path is too long: in a folder of this user's own.

    Raises:
        ControlError: The folder is somebody else's.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(base, "simlab") if base else Path(tempfile.gettempdir(), f"simlab-{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ControlError(
            f"{folder} must be a folder that only this user can use; remove it, or set "
            "XDG_RUNTIME_DIR"
        )
    return folder / f"{hashlib.blake2b(os.fsencode(run), digest_size=12).hexdigest()}.sock"


def _forget(run: Path) -> None:
    """Take away what a run that was killed has left."""
    (run / SOCKET).unlink(missing_ok=True)


def _is_own_socket(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid()
