"""The directory of a run: the one that is given, or by default the next of the run's name."""

import re
from pathlib import Path

from simlab.trace.disk import made

RUNS = Path("runs")
"""Where runs go whose directory is not given."""


def directory_of(name: str, out: str | Path | None, *, resume: bool) -> Path:
    """Where a run goes: where it is told to, on resuming to the newest of its name, or a new one.

    Raises:
        RunDirectoryError: No new one can be made.
    """
    if out is not None:
        return Path(out)
    pattern = re.compile(rf"{re.escape(name)}-(\d{{4,}})")
    taken = [int(m[1]) for p in RUNS.glob(f"{name}-*") if (m := pattern.fullmatch(p.name))]
    newest = max(taken, default=0)
    return RUNS / f"{name}-{newest:04}" if resume and taken else _claim(name, newest + 1)


def _claim(name: str, number: int) -> Path:
    """Make the first folder of a name that is free, and which nobody else gets.

    Raises:
        RunDirectoryError: It cannot be made.
    """
    with made(RUNS):
        RUNS.mkdir(parents=True, exist_ok=True)
        while True:
            path = RUNS / f"{name}-{number:04}"
            try:
                path.mkdir()
            except FileExistsError:  # somebody who began in the same instant
                number += 1
            else:
                return path
