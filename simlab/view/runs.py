"""Runs: those under a folder, each in a line, without reading their logs."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simlab.errors import NotFoundError, SimlabError
from simlab.sim.summary import RunSummary, read_kept_summary
from simlab.trace.directory import RunDirectory
from simlab.view.alive import holder_of
from simlab.view.bounds import Json, cut, number, shown
from simlab.view.folders import Folders
from simlab.view.guard import legible
from simlab.view.opened import OpenedRun
from simlab.view.record import Record
from simlab.view.steps import Steps

_OPEN_AT_ONCE: Final = 32

_KNOWN: Final = ("finished", "unreadable")
"""States of a run that do not change with who holds it."""

_SMALL_BYTES: Final = 1 << 24
"""Of a log: so long it is read for the list as well, to tell how far a run is."""


UNFINISHED: Final = ("running", "stopped")
"""States of runs of which it is worth to tell how far they are."""

_Stamp = tuple[int, int, int] | None
"""By which a file that was changed is told from what it was; None where there is none."""

_Progress = tuple[int, str, Mapping[str, Json]]
"""How far a run was, and how long its log and what its state were then."""

_UNTOLD: Final[_Progress] = (0, "", {})


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
        elsewhere: Gives further runs by name, which are known to be alive, such as those that live
            on a cluster; it is asked again whenever runs are listed.
    """

    def __init__(
        self, roots: list[Path], elsewhere: Callable[[], Mapping[str, Path]] = dict
    ) -> None:
        self._folders = Folders(roots)
        self._elsewhere = elsewhere
        self._found: dict[str, Path] = {}
        self._live: frozenset[Path] = frozenset()
        self._rows: dict[Path, tuple[object, Json]] = {}
        self._opened: dict[Path, _Opened] = {}
        self._lock = threading.Lock()
        self._progresses: dict[Path, _Progress] = {}

    def rows(self) -> list[Json]:
        """All runs, the newest first: name, what is run, state, progress and what it came to.

        A run that cannot be read has the state ``unreadable`` and an ``error``. What was read is
        read again only once it has changed.
        """
        rows = self.lines()
        for row in rows:
            if row["state"] in UNFINISHED:
                row.update(self.progress(row["run"], row["state"]))
        return rows

    def lines(self, within_s: float = math.inf) -> list[Json]:
        """As `rows`, but those that have not ended are as far as was told last: none is opened.

        Args:
            within_s: Begin to read no more after so many seconds; what is left has the state
                ``unread``, and is read when the runs are listed again.
        """
        stop_s = time.monotonic() + within_s
        self._found = self._find()
        stamps = {name: _stamps(path) for name, path in self._found.items()}
        rows = [
            self._row(name, stamps[name], stop_s)
            for name in sorted(stamps, key=lambda name: _when(stamps[name][0]), reverse=True)
        ]
        return sorted(rows, key=_age, reverse=True)

    def progress(self, name: str, state: str) -> Mapping[str, Json]:
        """How far a run is that has not ended, where that costs little or it is open anyhow.

        Args:
            name: By which it was listed.
            state: In which it was found.
        """
        path = self._found.get(name)
        n_bytes = 0 if path is None else _log_bytes(path)
        known = self._progresses.get(path) if path is not None else None
        if known is not None and known[:2] == (n_bytes, state):
            return known[2]
        if path is None or (path not in self._opened and n_bytes > _SMALL_BYTES):
            return {}
        told = self._progress(name, state)
        self._progresses[path] = n_bytes, state, told
        return told

    def _progress(self, name: str, state: str) -> Mapping[str, Json]:
        try:
            run = self.open(name)
            run.refresh()
            told = run.progress()
        except SimlabError as error:
            return {"state": "unreadable", "error": cut(error.message, 1000)}
        return {**told, "state": told["state"] if told["state"] in _KNOWN else state}

    def trainings(self) -> dict[str, Path]:
        """The trainings among the folders, by name."""
        return dict(self._folders.walk("train.yaml"))

    def sweeps(self) -> dict[str, Path]:
        """The sweeps among the folders, by name."""
        return dict(self._folders.walk("sweep.yaml"))

    def names(self) -> dict[Path, str]:
        """The names of all runs, by where they are."""
        self._found = self._find()
        return {path: name for name, path in self._found.items()}

    def found(self, name: str) -> Path | None:
        """Where a run is that was listed, without a look at the disk; None where none is known."""
        return self._found.get(name)

    def path_of(self, name: str) -> Path:
        """Where a run is that was listed.

        Raises:
            NotFoundError: None of that name is there.
        """
        if name not in self._found:
            self._found = self._find()
        if name not in self._found:
            raise NotFoundError(f"there is no run {cut(name, 200)!r}; take one that is listed")
        return self._found[name]

    def name_of(self, path: Path) -> str | None:
        """The name by which a run is listed; None of one that is not."""
        return self._name_of_one([path])

    def add(self, path: Path) -> str:
        """List a run that was just made, wherever it is; gives its name."""
        name = self.name_of(path)
        if name is None:
            self._folders.add(path)
            name = self.name_of(path)
            assert name is not None, "it is a root now"
        return name

    def parent_of(self, name: str) -> Json:
        """Of a branch ``{"run", "episode"}``, the run under None if it is not listed; else None.

        Raises:
            NotFoundError: No run of that name is there.
            RunDirectoryError: It is not as SimLab writes it.
        """
        path = self.path_of(name)
        branch = Record.read(path).told()["branch"]
        if not branch:
            return None
        given = str(branch["parent"])
        folders = [Path.cwd(), *path.resolve().parents]  # a relative one stood in some of these
        parent = self._name_of_one([folder / given for folder in folders])
        return {"run": parent, "episode": branch["episode"]}

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

    def _name_of_one(self, paths: list[Path]) -> str | None:
        """The name of the first of some runs that is listed."""
        self._found = self._find()
        names = {at.resolve(): name for name, at in self._found.items()}
        return next((names[path.resolve()] for path in paths if path.resolve() in names), None)

    def _both(self, name: str) -> "_Opened":
        path = self.path_of(name)
        stamp = _stamp(path / "run.yaml")
        with self._lock:
            found = self._opened.pop(path, None)
        if found is None or found.stamp != stamp:  # another is in its place, or it has grown
            run = OpenedRun(path)
            found = _Opened(run, Steps(run), stamp)
        with self._lock:
            self._opened[path] = found
            if len(self._opened) > _OPEN_AT_ONCE:
                del self._opened[next(iter(self._opened))]
        return found

    def _find(self) -> dict[str, Path]:
        """All runs by name; one that is below a folder is not told again."""
        found = dict(self._folders.walk("run.yaml"))
        live = self._elsewhere()
        self._live = frozenset(live.values())
        known = {path.resolve() for path in found.values()} if live else set()
        return found | {name: path for name, path in live.items() if path not in known}

    def _row(self, name: str, stamps: object, stop_s: float) -> Json:
        """A line of the list; made anew when the run's small files have changed."""
        path = self._found[name]
        row: dict[str, Json] = {"run": cut(name, 1000), "path": cut(str(path), 1000)}
        known = self._rows.get(path)
        if known is None or known[0] != stamps:
            if time.monotonic() > stop_s:
                return {**row, "state": "unread"}
            known = self._rows[path] = (stamps, _told(path))
        row |= known[1]
        if row["state"] not in _KNOWN:
            is_live = path in self._live or holder_of(path) is not None
            row["state"] = "running" if is_live else "stopped"
            _, _, before = self._progresses.get(path, _UNTOLD)
            row |= before if before.get("state") == row["state"] else {}
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
        "dollars": number(sum(account.dollars for account in summary.accounts)),
        **{
            kind: {cut(name, 200): number(mean) for name, mean in list(values.items())[:64]}
            for kind, values in means.items()
        },
    }


def _log_bytes(path: Path) -> int:
    """How long the log of a run is."""
    try:
        return sum(entry.lstat().st_size for entry in (path / "segments").iterdir())
    except OSError:
        return 0


def _stamps(path: Path) -> tuple[_Stamp, ...]:
    """By which a run whose line may have changed is told from what it was."""
    return tuple(_stamp(path / file) for file in ("run.yaml", "summary.json", "segments"))


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _age(row: Mapping[str, Json]) -> str:
    """By which rows are sorted: what cannot be read comes first, what was not read yet last."""
    return "" if row["state"] == "unread" else str(row.get("created") or "~")


def _when(stamp: _Stamp) -> int:
    """When a file was changed; the first of all times where there is none."""
    return 0 if stamp is None else stamp[1]
