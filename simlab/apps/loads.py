"""Loads: how far the load of each run was read, kept from look to look."""

import threading
from typing import Final

from simlab.view.opened import OpenedRun
from simlab.view.series import Load
from simlab.view.table import Table

_KEPT: Final = 8
"""Runs whose load is kept; of one that nobody has looked at for long it is read anew."""


class Loads:
    """The load of runs; each is read by one thread at a time, whichever that is."""

    def __init__(self) -> None:
        self._known: dict[OpenedRun, Load] = {}
        self._lock = threading.Lock()

    def read_on(self, run: OpenedRun) -> Table:
        """The load so far; a bounded stretch of the log is read, and the next call goes on."""
        return self._load(run).read()

    def share(self, run: OpenedRun) -> float | None:
        """The part of the log that was read, from 0 to 1; None where nobody has looked."""
        with self._lock:
            load = self._known.get(run)
        return None if load is None else load.share

    def _load(self, run: OpenedRun) -> Load:
        with self._lock:
            load = self._known.pop(run, None) or Load(run)
            self._known[run] = load
            if len(self._known) > _KEPT:
                del self._known[next(iter(self._known))]
            return load


class LoadPieces:
    """The whole load of a run, whose rows are known once its log was read: the last piece has all.

    Its place in the log is its own, whatever others look at.
    """

    def __init__(self) -> None:
        self._load: Load | None = None

    def read(self, run: OpenedRun) -> Table:
        """Read a bounded stretch of the log; the table is empty until it is complete."""
        self._load = self._load or Load(run)
        table = self._load.read()
        return table if table.complete else Table(complete=False)
