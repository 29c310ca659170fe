"""A log of Inspect: placeholder for the skeleton."""

from pathlib import Path

from simlab.view.opened import OpenedRun


def write_inspect_log(run: OpenedRun, file: Path) -> str | None:
    """Write a run as a log."""
    raise NotImplementedError
