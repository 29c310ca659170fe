"""Runs: those under a folder, each in a line, without reading their logs."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simlab.errors import NotFoundError, SimlabError
from simlab.sim.summary import RunSummary, read_kept_summary
from simlab.trace.directory import RunDirectory
from simlab.view.alive import holder_of
from simlab.view.bounds import Json, cut, number, shown
from simlab.view.guard import legible
from simlab.view.opened import OpenedRun
from simlab.view.record import Record
from simlab.view.steps import Steps

_DEEPEST: Final = 5
"""Folders below the one that is looked through; a training keeps its runs four down."""

_MOST_FOLDERS: Final = 20_000

_NOT_RUNS: Final = ("segments", "tables", "scores", "earlier", "plots", "candidate")
"""Folders of runs and trainings in which no runs are to be listed."""

_OPEN_AT_ONCE: Final = 32

_SMALL_BYTES: Final = 1 << 24
"""Of a log: so long it is read for the list as well, to tell how far a run is."""


UNFINISHED: Final = ("running", "stopped")
"""States of runs of which it is worth to tell how far they are."""

_Stamp = tuple[int, int, int] | None
"""By which a file that was changed is told from what it was; None where there is none."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A run that is open, and what its `run.yaml` was then."""

    run: OpenedRun
    steps: Steps
    stamp: _Stamp


class Runs:
    """The runs under some folders, by names that tell where they are.

    A run is opened under the name by which it was listed, and no other: a name is never a path that
    somebody puts together. Folders that are links are passed over.

    Several threads may open and read runs, each of them another one; one at a time may list them.

    Args:
        roots: Folders, or runs themselves.
    """

    def __init__(self, roots: list[Path]) -> None:
        self._roots = roots
        self._found: dict[str, Path] = {}
        self._rows: dict[Path, tuple[object, Json]] = {}
        self._opened: dict[Path, _Opened] = {}
        self._lock = threading.Lock()

    def rows(self) -> list[Json]:
        """All runs, the newest first: name, what is run, state, progress and what it came to.

        A run that cannot be read has the state ``unreadable`` and an ``error``.
        """
        rows = self.lines()
        for row in rows:
            if row["state"] in UNFINISHED:
                row.update(self.progress(row["run"]))
        return rows

    def lines(self) -> list[Json]:
        """As `rows`, without how far those are that have not ended: no run is opened for it."""
        self._found = dict(self._find())
        rows = [self._row(name, path) for name, path in self._found.items()]
        return sorted(rows, key=lambda row: str(row.get("created") or ""), reverse=True)

    def progress(self, name: str) -> dict[str, Json]:
        """How far a run is that has not ended, where that costs little or it is open anyhow."""
        path = self._found.get(name)
        if path is None or (path not in self._opened and _log_bytes(path) > _SMALL_BYTES):
            return {}
        try:
            return self.open(name).progress()
        except SimlabError as error:
            return {"state": "unreadable", "error": cut(error.message, 1000)}

    def trainings(self) -> dict[str, Path]:
        """The trainings among the folders, by name."""
        return {name: path for name, path in self._folders() if _is_file(path / "train.yaml")}

    def path_of(self, name: str) -> Path:
        """Where a run is that was listed.

        Raises:
            NotFoundError: None of that name is there.
        """
        if name not in self._found:
            self._found = dict(self._find())
        if name not in self._found:
            raise NotFoundError(f"there is no run {cut(name, 200)!r}; take one that is listed")
        return self._found[name]

    def open(self, name: str) -> OpenedRun:
        """A run that was listed; the last few stay open.

        Raises:
            NotFoundError: None of that name is there.
            RunDirectoryError: It is not as SimLab writes it.
            LogDamagedError: A segment is damaged before its tail.
        """
        return self._both(name).run

    def steps(self, name: str) -> Steps:
        """The trees of the steps of a run that was listed; raises as `open` does."""
        return self._both(name).steps

    def _both(self, name: str) -> "_Opened":
        path = self.path_of(name)
        stamp = _stamp(path / "run.yaml")
        with self._lock:
            found = self._opened.pop(path, None)
        if (
            found is None or found.stamp != stamp
        ):  # another run has taken its place, or it has grown
            run = OpenedRun(path)
            found = _Opened(run, Steps(run), stamp)
        with self._lock:
            self._opened[path] = found
            if len(self._opened) > _OPEN_AT_ONCE:
                del self._opened[next(iter(self._opened))]
        return found

    def _find(self) -> Iterator[tuple[str, Path]]:
        for name, path in self._folders():
            if _is_file(path / "run.yaml"):
                yield name, path

    def _folders(self) -> Iterator[tuple[str, Path]]:
        """Folders in which runs may be, with their names; bounded in number and depth."""
        left = _MOST_FOLDERS
        for root in self._roots:
            ahead = [(root.name or str(root), root, 0)]
            while ahead and left > 0:
                left -= 1
                name, path, depth = ahead.pop()
                yield name, path
                if _is_file(path / "run.yaml") or depth >= _DEEPEST:
                    continue
                below = [] if depth == 0 and len(self._roots) == 1 else [name]
                ahead += [
                    ("/".join([*below, folder.name]), folder, depth + 1)
                    for folder in reversed(_subfolders(path))
                ]

    def _row(self, name: str, path: Path) -> Json:
        """A line of the list; made anew when the run's small files have changed."""
        stamp = tuple(_stamp(path / file) for file in ("run.yaml", "summary.json", "segments"))
        known = self._rows.get(path)
        if known is None or known[0] != stamp:
            known = self._rows[path] = (stamp, _told(path))
        row = {"run": cut(name, 1000), "path": cut(str(path), 1000), **known[1]}
        if row["state"] not in ("finished", "unreadable"):
            row["state"] = "stopped" if holder_of(path) is None else "running"
        return row


def _told(path: Path) -> Json:
    """What the small files of a run say."""
    try:
        record = Record.read(path)
        with legible(str(path)):
            summary = read_kept_summary(RunDirectory(path))
            return {**_record_row(record), **_summary_row(summary)}
    except SimlabError as error:
        return {"state": "unreadable", "error": cut(error.message, 1000)}


def _record_row(record: Record) -> dict[str, Json]:
    told = record.told()
    branch = told["branch"]
    return {
        "name": told["name"],
        "description": told["description"],
        "world": told["world"],
        "created": told["created"],
        "n_episodes": shown(record.n_episodes),
        "models": list(told["models"] or {}),
        "parent": branch.get("parent") if branch else None,
    }


def _summary_row(summary: RunSummary | None) -> dict[str, Json]:
    if summary is None:
        return {"state": "stopped"}
    means: dict[str, Mapping[str, float | None]] = {
        "mean_returns": summary.mean_returns(),
        "mean_ratings": summary.mean_ratings(),
        "mean_scores": summary.mean_scores(),
    }
    used = summary.usage
    return {
        "state": "finished" if summary.finished else "stopped",
        "n_ended": summary.n_ended,
        "n_failed": summary.n_failed,
        "n_steps": sum(episode.n_steps for episode in summary.episodes),
        "tokens": used.get("prompt_tokens", 0) + used.get("completion_tokens", 0),
        **{
            kind: {cut(name, 200): number(mean) for name, mean in list(values.items())[:64]}
            for kind, values in means.items()
        },
    }


def _subfolders(path: Path) -> list[Path]:
    try:
        found = [
            entry
            for entry in path.iterdir()
            if entry.name not in _NOT_RUNS
            and not entry.name.startswith(".")
            and entry.is_dir()
            and not entry.is_symlink()
        ]
    except OSError:
        return []
    return sorted(found)


def _log_bytes(path: Path) -> int:
    """How long the log of a run is."""
    try:
        return sum(entry.lstat().st_size for entry in (path / "segments").iterdir())
    except OSError:
        return 0


def _is_file(path: Path) -> bool:
    """Whether a plain file is there, and no link."""
    try:
        return path.is_file() and not path.is_symlink()
    except OSError:
        return False


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
