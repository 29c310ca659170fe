"""The guard of reading: nothing outside a run is read, and what is odd is told and never raised."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import yaml

from simlab.errors import RunDirectoryError
from simlab.trace.disk import reason_of

MAX_BYTES: Final = 1 << 26
"""Of a file that is read whole."""

_MAX_RECORD_BYTES = 1 << 22
"""Of a `run.yaml`: to read so much YAML takes a second or two."""

_ODD = (
    ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RecursionError,
    TypeError, ValueError, msgspec.MsgspecError, yaml.YAMLError,
)  # fmt: skip
"""What decoding raises of data that are none of ours."""


@contextmanager
def legible(what: str) -> Iterator[None]:
    """Within the block something of a run is read that anybody may have written.

    Args:
        what: Is read, such as ``"episode 3"``.

    Raises:
        RunDirectoryError: It is not as SimLab writes it; says what Python said of it.
    """
    try:
        yield
    except _ODD as error:
        said = (
            reason_of(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        )
        raise RunDirectoryError(
            f"{what} cannot be shown: {said[:300]}; it is not as SimLab writes it, restore the run "
            "from a copy"
        ) from error


def require_own(root: Path, path: Path, *, largest: int | None = None) -> None:
    """See that a file or folder of a run is its own: no link on the way, and a plain file.

    Args:
        root: Of the run.
        path: Below it; one that does not exist is nobody's.
        largest: Bytes that it may have.

    Raises:
        RunDirectoryError: It is a link, a device or a pipe, or too large.
    """
    for part in [path, *path.parents]:
        if part == root:
            return
        try:
            status = part.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise RunDirectoryError(
                f"{part} cannot be read: {reason_of(error)}; see that you may read it"
            ) from error
        kind = status.st_mode
        if not (stat.S_ISREG(kind) if part == path and not path.is_dir() else stat.S_ISDIR(kind)):
            raise RunDirectoryError(
                f"{part} must be a file or folder of the run itself, got a link or a device; put a "
                "copy of what it stands for in its place"
            )
        if largest is not None and part == path and status.st_size > largest:
            raise RunDirectoryError(
                f"{part} must have at most {largest} bytes, got {status.st_size}; it is not as "
                "SimLab writes it"
            )


def require_own_run(root: Path) -> None:
    """See that all that is read of a run is its own; see `require_own`.

    Raises:
        RunDirectoryError: Something is not.
    """
    require_own(root, root / "run.yaml", largest=_MAX_RECORD_BYTES)
    require_own(root, root / "summary.json", largest=MAX_BYTES)
    folder = root / "segments"
    require_own(root, folder)
    with legible(f"the folder {folder}"):
        names = os.listdir(folder) if folder.is_dir() else []
    for name in names:
        require_own(root, folder / name)


def read_own_text(root: Path, name: str) -> str | None:
    """The text of a file of a run; None if it has none.

    Raises:
        RunDirectoryError: It is a link, a device or too large, or cannot be read.
    """
    path = root / name
    require_own(root, path, largest=MAX_BYTES)
    with legible(str(path)):
        return path.read_text(encoding="utf-8") if path.exists() else None
