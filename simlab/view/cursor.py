"""Cursors: how far somebody has read, as a text that means nothing to them."""

import base64
import binascii
from typing import Any

import msgspec

from simlab.errors import ConfigError


class NewsCursor(msgspec.Struct, frozen=True, array_like=True):
    """How far the news of a run were read.

    Attributes:
        token: Of the process that gave it out.
        version: Of the last row that it told.
        lengths: Bytes of each segment that were read by then.
        is_partial: Whether rows of before these are still to come.
    """

    token: str = ""
    version: int = 0
    lengths: dict[str, int] = {}
    is_partial: bool = False


def write_cursor(token: str, version: int, lengths: dict[str, int], *, is_partial: bool) -> str:
    """A cursor as text."""
    return as_text(NewsCursor(token, version, lengths, is_partial))


def read_cursor(text: str) -> NewsCursor:
    """A cursor from its text; of an empty one nothing was read.

    Raises:
        ConfigError: It is none.
    """
    return from_text(text, NewsCursor) if text else NewsCursor()


def as_text(value: Any) -> str:
    """Any struct as a text that can stand in an address."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).decode().rstrip("=")


def from_text(text: str, kind: Any) -> Any:
    """What `as_text` made of a struct.

    Raises:
        ConfigError: It is something else.
    """
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.msgpack.decode(data, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise ConfigError(
            f"cursor must be one that was given out, got {text[:80]!r}; begin without one"
        ) from error
