"""Folders: those in which runs may be, looked through again at the cost of a glance at each."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RECORDS: Final = ("run.yaml", "train.yaml", "sweep.yaml")
"""The files that say what a folder is."""

_DEEPEST: Final = 7
"""Folders below the one that is looked through; a training of a sweep keeps its runs six down."""

_MOST_FOLDERS: Final = 20_000

_NOT_RUNS: Final = ("segments", "tables", "scores", "earlier", "plots", "candidate")
"""Folders of runs and trainings in which no runs are to be listed."""

_SETTLED_NS: Final = 2_000_000_000
"""A folder that was changed so lately may be changed again without another time of change."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What is in a folder.

    Attributes:
        records: Those of `RECORDS` that it has.
        below: The folders in it, but for links and hidden ones.
    """

    records: frozenset[str]
    below: tuple[Path, ...]


class Folders:
    """The folders below some roots, bounded in number and depth.

    Args:
        roots: Where to begin.
    """

    def __init__(self, roots: list[Path]) -> None:
        self._roots = [*roots]
        self._known: dict[Path, tuple[int, Folder]] = {}

    def add(self, root: Path) -> None:
        """Begin at one more."""
        self._roots.append(root)

    def walk(self, kind: str) -> Iterator[tuple[str, Path]]:
        """Folders that have a record file, with names that tell where they are.

        Args:
            kind: One of `RECORDS`. What is in a run is not looked through.
        """
        left = _MOST_FOLDERS
        for root in self._roots:
            ahead = [(root.name or str(root), root, 0)]
            while ahead and left > 0:
                left -= 1
                name, path, depth = ahead.pop()
                folder = self._look(path)
                if kind in folder.records:
                    yield name, path
                if "run.yaml" in folder.records or depth >= _DEEPEST:
                    continue
                above = [] if depth == 0 and len(self._roots) == 1 else [name]
                ahead += [
                    ("/".join([*above, below.name]), below, depth + 1)
                    for below in reversed(folder.below)
                ]

    def _look(self, path: Path) -> Folder:
        """What is in a folder; read anew when it has changed."""
        try:
            changed_ns = path.stat().st_mtime_ns
        except OSError:
            return Folder(frozenset(), ())
        known = self._known.get(path)
        if known is None or known[0] != changed_ns:
            known = changed_ns, _read(path)
            if changed_ns < time.time_ns() - _SETTLED_NS:
                self._known[path] = known
        return known[1]


def _read(path: Path) -> Folder:
    try:
        entries = sorted(path.iterdir())
        records = {entry.name for entry in entries if entry.name in RECORDS and _is_plain(entry)}
        below = [
            entry
            for entry in entries
            if entry.name not in _NOT_RUNS
            and not entry.name.startswith(".")
            and entry.is_dir()
            and not entry.is_symlink()
        ]
    except OSError:
        return Folder(frozenset(), ())
    return Folder(frozenset(records), tuple(below))


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
