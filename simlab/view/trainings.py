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
from simlab.view.bounds import Json, cut, shown
from simlab.view.guard import legible, read_own_text, require_own
from simlab.view.opened import OpenedRun
from simlab.view.table import Table

PHASES: Final = ("collect", "evaluate")
"""The runs of a round, by the names of their folders."""

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
        file, newest = path / TrainingDirectory.FILE, TrainingDirectory.FORMAT
        require_own(path, file, largest=1 << 26)
        with legible(str(file)):
            self._record = read_record_file(file, TrainingDirectory.KIND, newest=newest)
        self._opened: dict[Path, OpenedRun] = {}
        self._unreadable: dict[str, str] = {}

    def overview(self) -> Json:
        """What is trained, its table of rounds, which runs it has, and what cannot be read."""
        training = self._record.get("training")
        rounds = self.rounds()
        self.states()
        return {
            "path": cut(str(self.path), 1000),
            "training": shown(training, characters=1 << 15),
            "rounds": rounds,
            "runs": [
                {"round": number, "phase": phase, "path": f"rounds/{folder.name}/{phase}"}
                for number, folder in self._folders()
                for phase in PHASES
                if (folder / phase / "run.yaml").is_file()
            ],
            "unreadable": dict(self._unreadable),
        }

    def rounds(self) -> list[Json]:
        """The rows of its table, one for each round that was compared."""
        text = read_own_text(self.path, TABLE)
        with legible(str(self.path / TABLE)):
            rows: Any = [] if text is None else msgspec.json.decode(text.encode())
            return [shown(row, characters=1 << 14) for row in rows[:10_000]]

    def table(self) -> Table:
        """The table of rounds for charts; of an interval its mean and its ends."""
        rows: list[Mapping[str, Json]] = []
        for row in self.rounds():
            flat: dict[str, Json] = {}
            for name, value in row.items():
                if isinstance(value, dict):
                    flat |= {f"{name}_{end}": part for end, part in value.items()}
                else:
                    flat[name] = value
            rows.append(flat)
        return Table(rows)

    def states(self) -> list[Json]:
        """The initial states that its rounds began from, and where each was played."""
        found: dict[tuple[str, str], list[Json]] = {}
        for number, folder in self._folders():
            for phase in PHASES:
                for row in self._rows(folder / phase):
                    start = row["start"]
                    if "environment" in start or "state" in start:
                        key = (str(start.get("environment", "")), str(start.get("state", "")))
                        told = {"round": number, "phase": phase, **_told(row)}
                        found.setdefault(key, []).append(told)
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

    def _folders(self) -> list[tuple[int, Path]]:
        rounds = self.path / "rounds"
        require_own(self.path, rounds)
        names = rounds.iterdir() if rounds.is_dir() else ()
        found = [folder for folder in names if _ROUND.fullmatch(folder.name)]
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


def _told(row: dict[str, Json]) -> dict[str, Json]:
    names = ("episode", "state", "n_steps", "returns", "ratings", "scores", "failure")
    return {name: row[name] for name in names}
