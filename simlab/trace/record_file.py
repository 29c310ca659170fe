"""Record files: the YAML that says what a directory is, such as a run's ``run.yaml``.

Each bears the number of its format. A newer one than is known is refused, not guessed at.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from simlab.errors import RunDirectoryError
from simlab.trace.disk import reason_of, write_whole

_QuickLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader in C, which is ten times as quick, where libyaml is there."""


def read_record_file(file: Path, what: str, *, newest: int) -> dict[str, Any]:
    """What a directory's record file says.

    Args:
        file: In the directory.
        what: The directory is, such as ``"run"``.
        newest: Format that is known.

    Raises:
        RunDirectoryError: There is none, it cannot be read, or it is from a newer version.
    """
    folder = file.parent
    try:
        record = _load(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RunDirectoryError(
            f"{folder} is not a {what}: it has no {file.name}; {what}s are listed by `ls runs`"
        ) from None
    except OSError as error:
        raise RunDirectoryError(
            f"{file} cannot be read: {reason_of(error)}; restore it from a copy"
        ) from error
    except (ValueError, yaml.YAMLError) as error:  # bytes or dates that are none, or no YAML
        raise RunDirectoryError(
            f"{file} is not YAML in UTF-8: {error}; restore it from a copy"
        ) from error
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise RunDirectoryError(f"{file} is not a {what}'s file: it has no number under 'format'")
    require_known(folder, record["format"], newest=newest)
    return record


def mapping_in(record: Mapping[str, Any], file: Path, *keys: str) -> dict[str, Any]:
    """The mapping that stands in a record file under some keys, one below the other.

    Raises:
        RunDirectoryError: There is something else, or nothing.
    """
    found = dict(record)
    for depth, key in enumerate(keys, 1):
        below = found.get(key)
        if not isinstance(below, dict):
            raise RunDirectoryError(
                f"{file} must have a mapping under {'.'.join(keys[:depth])!r}, got {below!r}; "
                "restore it from a copy"
            )
        found = below
    return found


def write_record_file(file: Path, record: Mapping[str, Any], *, format: int) -> None:
    """Write a directory's record file, whole or not at all.

    Args:
        file: In the directory.
        record: What it says, as plain data.
        format: Of the record.

    Raises:
        LogWriteError: The disk does not take it.
    """
    text = yaml.safe_dump({"format": format, **record}, sort_keys=False, allow_unicode=True)
    write_whole(file, text.encode())


def require_known(path: Path, format: int, *, newest: int) -> None:
    """See that what lies at a path is in no newer format than is known.

    Raises:
        RunDirectoryError: It is.
    """
    if format > newest:
        raise RunDirectoryError(
            f"{path} has format {format}, this SimLab reads up to {newest}; use a newer SimLab"
        )


def _load(text: str) -> Any:
    """What YAML says; libyaml takes no lone surrogates, and its errors are others."""
    try:
        return yaml.load(text, Loader=_QuickLoader)
    except yaml.YAMLError:
        return yaml.safe_load(text)
