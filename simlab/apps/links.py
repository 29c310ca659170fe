"""Links: the link of a seat is a capability; whoever has it may sit there, and nothing else.

A link says for itself what it opens, and is signed with a key of the user who made it
(HMAC-SHA-256, RFC 2104). So no list of links is kept, and they hold when the app is started again.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from simlab.errors import ConfigError, NotFoundError
from simlab.sim.control.seat_person import Lapse

_KEY_BYTES: Final = 32
_MARK_BYTES: Final = 16
"""Of the signature; half of it is as good as all (RFC 2104, section 5)."""


class Link(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a link opens: a seat of an episode, or a model.

    Attributes:
        run: Name of the run.
        place: Which run that is on this machine, as `place_of` tells it: another app may give the
            name to another run.
        who: Name of the person.
        episode: Its number; -1 for a model.
        seat: Which; empty for a model.
        model: Which the person stands for; empty for a seat.
        lapse: What becomes of the seat once the person is gone.
        after_s: After so long without an answer, in seconds, that is so; None for never.
    """

    run: str
    place: bytes
    who: str
    episode: int = -1
    seat: str = ""
    model: str = ""
    lapse: Lapse = "agent"
    after_s: float | None = None


class Links:
    """Makes links, and reads those that it, or an app of the same user before it, has made.

    Args:
        key: With which they are signed; see `own_key`.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, link: Link) -> str:
        """The token of a link, which stands in its address."""
        return self._signed(msgspec.msgpack.encode(link))

    def read(self, token: str) -> Link:
        """What a token opens.

        Raises:
            NotFoundError: It is not one of this user's, or was changed.
        """
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            said = data[_MARK_BYTES:]
            if hmac.compare_digest(token.encode(), self._signed(said).encode()):
                return msgspec.msgpack.decode(said, type=Link)
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            pass  # as one that nobody has signed
        raise NotFoundError(
            "this link of a seat is not whole, or is not one of this app; copy all of it, or ask "
            "whoever sent it for another"
        )

    def _signed(self, said: bytes) -> str:
        mark = hmac.digest(self._key, said, "sha256")[:_MARK_BYTES]
        return base64.urlsafe_b64encode(mark + said).decode().rstrip("=")


def place_of(run: Path) -> bytes:
    """Tells one run on this machine from all others."""
    return hashlib.blake2b(os.fsencode(run.resolve()), digest_size=12).digest()


def own_key(folder: Path | None = None) -> bytes:
    """The key of this user, made when it is first asked for.

    Args:
        folder: Where it is kept; by default that for the state of this user's programs.

    Raises:
        ConfigError: It cannot be kept there, or others could read it.
    """
    path = (folder or _state_folder()) / "seats.key"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_key(path)
        found, key = path.stat(), path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot keep the key of links in {path}: {error.strerror}; set XDG_STATE_HOME"
        ) from error
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or len(key) != _KEY_BYTES:
        raise ConfigError(
            f"{path} must hold {_KEY_BYTES} bytes that only this user can read; remove it, and "
            "give out links anew"
        )
    return key


def _write_key(path: Path) -> None:
    """Write a new key, whole, unless somebody else has just done so."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
        os.link(partial, path)
    except FileExistsError:
        pass  # the other one's is there
    finally:
        partial.unlink()


def _state_folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "simlab"
