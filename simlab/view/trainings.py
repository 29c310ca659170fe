"""Trainings: their rounds, and one initial state across rounds, side by side."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from simlab.errors import SimlabError
from simlab.trace.record_file import read_record_file
from simlab.train.directory import TrainingDirectory
from simlab.train.table import FILE as TABLE
from simlab.view.alive import holder_of
from simlab.view.bounds import Json, cut, shown
from simlab.view.guard import MAX_BYTES, legible, read_own_text, require_own
from simlab.view.opened import OpenedRun

PHASES: Final = ("collect", "evaluate")
"""The runs of a round, by the names of their folders."""

_decode_rows = msgspec.json.Decoder(list[dict[str, Any]]).decode

_ROUND = re.compile(r"\d{3,6}")


class TrainingView:
    """A training as people look at it.

    Args:
        path: Of its directory.

    Raises:
        RunDirectoryError: It is none, or not as SimLab writes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._record = self._read_record()
        self._opened: dict[Path, OpenedRun] = {}
        self._unreadable: dict[str, str] = {}

    def _read_record(self) -> dict[str, Any]:
        file, newest = self.path / TrainingDirectory.FILE, TrainingDirectory.FORMAT
        require_own(self.path, file, largest=MAX_BYTES)
        with legible(str(file)):
            return read_record_file(file, TrainingDirectory.KIND, newest=newest)

    def progress(self) -> dict[str, Json]:
        """What is trained, whether it goes on, and how many rounds were compared of how many.

        The base is compared as round 0, so that a whole training has one more than it was to have.
        """
        told: Any = self._record.get("training")
        training: Mapping[str, Any] = told if isinstance(told, dict) else {}
        rounds, wanted = self.rounds(), training.get("rounds")
        n_over = sum(row.get("verdict") not in ("base", "under way") for row in rounds)
        is_over = isinstance(wanted, int) and n_over >= wanted
        state = "finished" if is_over else "stopped"
        return {
            "name": cut(str(training.get("name", "training")), 200),
            "description": cut(str(training.get("description") or ""), 2000),
            "state": state if holder_of(self.path) is None else "running",
            "n_rounds": n_over,
            "of_rounds": shown(wanted),
            "rating": rounds[-1].get("rating") if rounds else None,
            "verdict": rounds[-1].get("verdict") if rounds else None,
        }

    def overview(self) -> Json:
        """What is trained, its table of rounds, which runs it has, and what cannot be read."""
        self._record = self._read_record()
        training = self._record.get("training")
        rounds = self.rounds()
        self.states()
        return {
            "path": cut(str(self.path), 1000),
            **self.progress(),
            "training": shown(training, characters=1 << 15),
            "rounds": rounds,
            "runs": self._runs(),
            "unreadable": dict(self._unreadable),
        }

    def rounds(self) -> list[Json]:
        """The rows of its table, one for each round that was compared."""
        text = read_own_text(self.path, TABLE)
        with legible(str(self.path / TABLE)):
            rows = [] if text is None else _decode_rows(text.encode())
            return [shown(row, characters=1 << 14) for row in rows[:10_000]]

    def states(self) -> list[Json]:
        """The initial states that its rounds began from, and where each was played."""
        found: dict[tuple[str, str], list[Json]] = {}
        for run in self._runs():
            for row in self._rows(self.path / run["path"]):
                start = row["start"]
                if "environment" in start or "state" in start:
                    key = (str(start.get("environment", "")), str(start.get("state", "")))
                    found.setdefault(key, []).append({**run, **_told(row)})
        return [
            {"environment": environment, "state": state, "episodes": episodes}
            for (environment, state), episodes in sorted(found.items())
        ]

    def side_by_side(self, environment: str, state: str) -> list[Json]:
        """The episodes of all rounds that began from one initial state, by round and phase."""
        for each in self.states():
            if (each["environment"], each["state"]) == (environment, state):
                return list(each["episodes"])
        return []

    def _runs(self) -> list[dict[str, Json]]:
        """The runs of its rounds: of which round and phase, and where in its directory."""
        return [
            {"round": number, "phase": phase, "path": f"rounds/{folder.name}/{phase}"}
            for number, folder in self._folders()
            for phase in PHASES
            if (folder / phase / "run.yaml").is_file()
        ]

    def _folders(self) -> list[tuple[int, Path]]:
        rounds = self.path / "rounds"
        require_own(self.path, rounds)
        with legible(f"the folder {rounds}"):
            folders = [*rounds.iterdir()] if rounds.is_dir() else []
        found = [folder for folder in folders if _ROUND.fullmatch(folder.name)]
        return sorted((int(f.name), f) for f in found if f.is_dir() and not f.is_symlink())

    def _rows(self, path: Path) -> list[dict[str, Json]]:
        """The episodes of a run of a round; none where it is not there, or is told unreadable."""
        if not (path / "run.yaml").is_file() or path.is_symlink():
            return []
        try:
            opened = self._opened.get(path)
            if opened is None:
                opened = self._opened[path] = OpenedRun(path)
            opened.refresh()
        except SimlabError as error:
            self._unreadable[str(path.relative_to(self.path))] = cut(error.message, 1000)
            return []
        return list(opened.rows())


def told_training(path: Path) -> Json:
    """A line of the list for a training; one that cannot be read is told with its error."""
    told = {"path": cut(str(path), 1000)}
    try:
        with legible(str(path)):
            return {**told, **TrainingView(path).progress()}
    except SimlabError as error:
        return {**told, "state": "unreadable", "error": cut(error.message, 1000)}


def _told(row: dict[str, Json]) -> dict[str, Json]:
    names = ("episode", "state", "n_steps", "returns", "ratings", "scores", "failure")
    return {name: row[name] for name in names}
