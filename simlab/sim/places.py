"""Where the files stand that a run file names: code of users, weights, and logs of calls."""

import os
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

_WEIGHTS = ("models", "*", "weights")
_FOLDERS = (_WEIGHTS, ("models", "*", "tokenizer"), ("models", "*", "adapter"))
"""The keys that name a folder where they begin with a dot; hub ids cannot."""

_CALLS_LOG = ("models", "*", "calls_log")

_Change = Callable[[str], str]


def with_places(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The data of a run file in which all that it names says where it is.

    That is every ``file.py:name``, every ``calls_log``, and what begins with a dot of weights,
    tokenizers and adapters. Links are not followed: an adapter's version is its folder's name.

    Args:
        data: Not changed; what is of another form than a run file's stays as it is.
        folder: In which relative files stand.
    """

    def place(file: str) -> str:
        return os.path.abspath(folder / file)

    changed = _with_names(data, place)
    for path in _FOLDERS:
        changed = _at(path, changed, lambda name: place(name) if name.startswith(".") else name)
    return _at(_CALLS_LOG, changed, place)


def without_places(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a run file in which what may stand elsewhere says its own name alone.

    Tokenizers and adapters may not: nothing else tells one of them from another.
    """
    changed = _with_names(data, _own_name)
    changed = _at(_WEIGHTS, changed, lambda w: _own_name(w) if w.startswith((".", "/")) else w)
    return _at(_CALLS_LOG, changed, _own_name)


def _own_name(file: str) -> str:
    return Path(file).name


def _with_names(data: Mapping[str, Any], place: _Change) -> dict[str, Any]:
    changed = dict(data)
    for path in _NAMES:
        changed = _at(path, changed, lambda name: _placed(name, place))
    return changed


def _at(path: Sequence[str], value: Any, change: _Change) -> Any:
    """A value with the text that stands at a path below it changed."""
    if not path:
        return change(value) if isinstance(value, str) else value
    if isinstance(value, list) and path[0] == "*":
        return [_at(path[1:], item, change) for item in value]
    if not isinstance(value, dict):
        return value
    keys = [key for key in value if path[0] in ("*", key)]
    return {**value, **{key: _at(path[1:], value[key], change) for key in keys}}


def _placed(name: str, place: _Change) -> str:
    file, _, attribute = name.rpartition(":")
    return f"{place(file)}:{attribute}" if file.endswith(".py") else name
