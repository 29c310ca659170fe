"""Where the files stand that a run file names: worlds, agents, tools, judges, engines, scripts."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_NAMES = (
    ("world",),
    ("cast", "*", "agent"),
    ("cast", "*", "tools", "*"),
    ("judges", "*", "agent"),
    ("models", "*", "engine"),
    ("models", "*", "script"),
)
"""The keys of a run file that name code; ``*`` is any key, and any place in a list."""


def with_places(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The data of a run file in which every ``file.py:name`` says where the file is.

    Args:
        data: Not changed; what is of another form than a run file's stays as it is.
        folder: In which relative files stand.
    """
    return _with_names(data, lambda file: str((folder / file).resolve()))


def without_places(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a run file in which every ``file.py:name`` says the file's own name alone."""
    return _with_names(data, lambda file: Path(file).name)


def _with_names(data: Mapping[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    changed = dict(data)
    for path in _NAMES:
        changed = _at(path, changed, place)
    return changed


def _at(path: Sequence[str], value: Any, place: Callable[[str], str]) -> Any:
    """A value with what stands at a path below it put in its place."""
    if not path:
        return _placed(value, place) if isinstance(value, str) else value
    if isinstance(value, list) and path[0] == "*":
        return [_at(path[1:], item, place) for item in value]
    if not isinstance(value, dict):
        return value
    keys = [key for key in value if path[0] in ("*", key)]
    return {**value, **{key: _at(path[1:], value[key], place) for key in keys}}


def _placed(name: str, place: Callable[[str], str]) -> str:
    file, _, attribute = name.rpartition(":")
    return f"{place(file)}:{attribute}" if file.endswith(".py") else name
