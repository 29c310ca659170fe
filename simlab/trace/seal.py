"""Seals: how much of a segment counts, once its host has ended or was replaced."""

from pathlib import Path

import msgspec

from simlab.trace.disk import read_json, write_whole


class Seal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands in a ``.seal`` beside a segment, as JSON.

    Attributes:
        host: Who wrote the segment.
        epoch: In which epoch.
        next_epoch: Under which the host goes on, if it was replaced.
        length: Bytes of the segment that count; None while it is about to be sealed.
    """

    host: str
    epoch: int
    next_epoch: int | None = None
    length: int | None = msgspec.field(default=None, name="bytes")


def read_seal(path: Path) -> Seal | None:
    """The seal of a segment, or None if it has none.

    Raises:
        RunDirectoryError: There is something else.
    """
    said = f"expected a seal of a segment in {path}, got what cannot be read"
    return read_json(path, Seal, said=said)


def write_seal(path: Path, seal: Seal) -> None:
    """Write a seal, whole or not at all.

    Raises:
        LogWriteError: The disk does not take it.
    """
    write_whole(path, msgspec.json.encode(seal))
