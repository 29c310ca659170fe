"""Sweeps as people look at them: what is varied, and how each trial has gone."""

from pathlib import Path
from typing import Any

import msgspec

from simlab.errors import SimlabError
from simlab.sweep.directory import SweepDirectory
from simlab.trace.record_file import read_record_file
from simlab.view.alive import holder_of
from simlab.view.bounds import Json, cut, shown
from simlab.view.guard import MAX_BYTES, legible, read_own_text, require_own

_MOST_TRIALS = 1_000
_OVER = ("ended", "stopped", "failed")


class SweepView:
    """A sweep, read from its directory alone.

    Args:
        path: Of its directory.

    Raises:
        RunDirectoryError: It is none, or not as SimLab writes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        file, newest = path / SweepDirectory.FILE, SweepDirectory.FORMAT
        require_own(path, file, largest=MAX_BYTES)
        with legible(str(file)):
            record = read_record_file(file, SweepDirectory.KIND, newest=newest)
            self._file: dict[str, Any] = {**record["sweep"]}

    def overview(self) -> Json:
        """What is varied and by what it is compared, its trials, and the best of them.

        Raises:
            RunDirectoryError: The trials are not as SimLab writes them.
        """
        with legible(f"the trials of {self.path}"):
            trials = [_trial(each) for each in self._trials()]
        mode = str(self._file.get("mode", "max"))
        return {
            "path": cut(str(self.path), 1000),
            "name": cut(str(self._file.get("name")), 200),
            "description": cut(str(self._file.get("description") or ""), 2000),
            "kind": "run" if self._file.get("training") is None else "training",
            "metric": cut(str(self._file.get("metric")), 200),
            "mode": cut(mode, 20),
            "space": shown(self._file.get("space"), characters=4000),
            "state": self._state(trials),
            "trials": trials,
            "best": _best(trials, mode),
        }

    def _trials(self) -> list[Any]:
        text = read_own_text(self.path, "table.json")
        trials: list[Any] = [] if text is None else msgspec.json.decode(text.encode())
        return trials[:_MOST_TRIALS]

    def _state(self, trials: list[Json]) -> str:
        if holder_of(self.path) is not None:
            return "running"
        is_over = bool(trials) and all(trial["state"] in _OVER for trial in trials)
        return "finished" if is_over else "stopped"


def told_sweep(path: Path) -> Json:
    """A line of the list for a sweep; one that cannot be read is told with its error."""
    try:
        with legible(str(path)):
            told = SweepView(path).overview()
    except SimlabError as error:
        return {"path": cut(str(path), 1000), "state": "unreadable", "error": error.message}
    trials = told.pop("trials")
    n_over = sum(trial["state"] in _OVER for trial in trials)
    return {**told, "n_trials": len(trials), "n_over": n_over}


def _trial(trial: Any) -> Json:
    return {
        "number": int(trial["number"]),
        "point": shown(trial["point"], characters=4000),
        "state": cut(str(trial["state"]), 40),
        "values": {str(int(each["round"])): shown(each["value"]) for each in trial["reports"]},
        "why": cut(str(trial.get("why") or ""), 1000),
        "deaths": int(trial.get("deaths") or 0),
    }


def _best(trials: list[Json], mode: str) -> int | None:
    """The number of the best of those that have ended with a value."""
    sign = -1 if mode == "min" else 1
    ended = [(trial, [*trial["values"].values()][-1:]) for trial in trials]
    known = [
        (sign * values[0], -trial["number"])
        for trial, values in ended
        if trial["state"] == "ended" and values and isinstance(values[0], int | float)
    ]
    return -max(known)[1] if known else None
