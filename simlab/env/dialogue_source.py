"""Where dialogue scripts are kept, and how they get from there into a process: once."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final

from simlab.env.dialogue_file import read_dialogue_file
from simlab.env.dialogue_script import DialogueScript
from simlab.env.influence_folder import MASTER, VETO_PROMPTS, read_influence_folder
from simlab.env.options import one_of
from simlab.errors import ConfigError
from simlab.find import near

_BUNDLED: Final = Path(__file__).parent / "dialogues"
_Stamp = tuple[tuple[str, int, int], ...]
"""Name, time of change and size of each file."""


def load_script(path: str | Path, *, veto_prompt_type: str = "normal") -> DialogueScript:
    """The script at a path; the same one each time, until one of its files changes.

    Args:
        path: Name of a bundled script; a YAML file, see `simlab.env.dialogue_file`; or a folder of
            the Influence benchmark, see `simlab.env.influence_folder`.
        veto_prompt_type: Of such a folder.

    Raises:
        ConfigError: There is none, or it cannot be played; names file and line.
        ValueError: There is no such `veto_prompt_type`, or not for this path.
    """
    found = _find(path)
    if one_of("veto_prompt_type", veto_prompt_type, VETO_PROMPTS) != "normal" and found.is_file():
        raise ValueError(
            f"veto_prompt_type is for folders of the Influence benchmark, got {veto_prompt_type!r} "
            f"for {str(path)!r}; leave it out"
        )
    files = sorted(found.iterdir()) if found.is_dir() else [found]
    kept = [file for file in files if file.suffix in (".yaml", ".yml", ".json")]
    stamp = tuple(map(_stamp, kept))
    return _read(found.resolve(), stamp, veto_prompt_type)


def bundled_scripts() -> list[str]:
    """Names of the scripts that come with SimLab."""
    return sorted(path.stem for path in _BUNDLED.glob("*.yaml"))


def _find(path: str | Path) -> Path:
    if str(path) in bundled_scripts():
        return _BUNDLED / f"{path}.yaml"
    found = Path(path)
    if found.is_dir() and not (found / MASTER).is_file():
        raise ConfigError(
            f"folder {path} has no {MASTER}; name a folder of the Influence benchmark"
        )
    if not found.exists():
        known = near(str(path), bundled_scripts())
        raise ConfigError(f"there is no dialogue file or folder {path}, nor a bundled one; {known}")
    return found


@lru_cache(maxsize=8)
def _read(path: Path, stamp: _Stamp, veto_prompt_type: str) -> DialogueScript:
    if path.is_dir():
        source = _digest(path / name for name, _, _ in stamp)
        return read_influence_folder(path, veto_prompt_type=veto_prompt_type, source=source)
    return read_dialogue_file(path, source=_digest([path]))


def _digest(paths: Iterable[Path]) -> str:
    """32 hex digits that tell the contents of files from others."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        with _readable(path):
            contents = path.read_bytes()
        digest.update(b"%d:" % len(contents) + contents)
    return digest.hexdigest()


def _stamp(file: Path) -> tuple[str, int, int]:
    with _readable(file):
        stat = file.stat()
    return file.name, stat.st_mtime_ns, stat.st_size


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say of a file that is read in the block that it cannot be."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
