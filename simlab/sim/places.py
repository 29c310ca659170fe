"""Where the files stand that a run file names: code of users, weights, and logs of calls."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
_WORLD = ("options", "path")
_FOLDERS = (_WEIGHTS, ("models", "*", "tokenizer"), ("models", "*", "adapter"), _WORLD)
"""The keys that name a folder, or what a world reads, where they begin with a dot; hub ids and
names of what is bundled cannot."""

_FILES = (("models", "*", "calls_log"),)
"""The keys that name a file."""

_Change = Callable[[str], str]


def with_places(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The data of a run file in which all that it names says where it is.

    That is every ``file.py:name``, every ``calls_log``, and what begins with a dot of weights,
    tokenizers, adapters and the world's ``options.path``. Links are not followed: an adapter's
    version is its folder's name.

    Args:
        data: Not changed; what is of another form than a run file's stays as it is.
        folder: In which relative files stand.
    """

    def place(file: str) -> str:
        return os.path.abspath(folder / file)

    def place_dotted(name: str) -> str:
        return place(name) if name.startswith(".") else name

    return _with(_with(with_files(data, place), _FOLDERS, place_dotted), _FILES, place)


def without_places(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a run file in which what may stand elsewhere says its own name alone.

    Tokenizers and adapters may not: nothing else tells one of them from another.
    """

    def own_name(file: str) -> str:
        return Path(file).name

    def own_name_of_folder(name: str) -> str:
        return own_name(name) if name.startswith((".", "/")) else name

    return _with(
        _with(with_files(data, own_name), [_WEIGHTS, _WORLD], own_name_of_folder), _FILES, own_name
    )


def files_of(data: Mapping[str, Any]) -> dict[str, str]:
    """The files that a run file names as ``file.py:name``, by key, such as ``cast.buyer.agent``."""
    named = [found for path in _NAMES for found in _texts(path, data)]
    files = {".".join(key): name.rpartition(":")[0] for key, name in named}
    return {key: file for key, file in files.items() if file.endswith(".py")}


def _texts(path: Sequence[str], value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """The texts that stand at a path below a value, each with its key."""
    if not path:
        if isinstance(value, str):
            yield (), value
        return
    if isinstance(value, list):
        value = dict(enumerate(value)) if path[0] == "*" else {}
    for key, inner in value.items() if isinstance(value, dict) else ():
        if path[0] in ("*", key):
            for below, text in _texts(path[1:], inner):
                yield (str(key), *below), text


def with_files(data: Mapping[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    """The data of a run file with the file of every ``file.py:name`` changed."""
    return _with(data, _NAMES, lambda name: _placed(name, place))


def _with(
    data: Mapping[str, Any], paths: Iterable[Sequence[str]], change: _Change
) -> dict[str, Any]:
    """The data of a run file with the texts that stand at some paths changed."""
    changed = dict(data)
    for path in paths:
        changed = _at(path, changed, change)
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
