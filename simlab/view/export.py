"""Exports: a run as tables, as lines, as a page, or as a log of Inspect."""

from pathlib import Path
from typing import Final, Literal

from simlab.sim.run import Run
from simlab.trace.disk import written
from simlab.trace.tables import write_jsonl, write_tables
from simlab.view.inspect_log import write_inspect_log
from simlab.view.opened import OpenedRun
from simlab.view.static_page import write_page

Format = Literal["parquet", "jsonl", "html", "inspect"]

_NAMES: Final[dict[Format, str]] = {
    "parquet": "tables",
    "jsonl": "events.jsonl",
    "html": "run.html",
    "inspect": "run.eval",
}


def default_target(directory: Path, to: Format) -> Path:
    """Where an export goes that is told no place: into the run's directory."""
    return directory / _NAMES[to]


def export_run(directory: Path, target: Path, to: Format) -> str | None:
    """Write a run in a format.

    Args:
        directory: Of the run.
        target: A folder for ``parquet``, else a file; replaced if it is there.
        to: The format.

    Returns:
        What was left out, in words, if anything was.

    Raises:
        RunDirectoryError: It is no run, or not as SimLab writes it.
        LogWriteError: The disk does not take it.
    """
    if to == "html":
        return write_page(OpenedRun(directory), target)
    if to == "inspect":
        return write_inspect_log(OpenedRun(directory), target)
    with written(target, remedy="make room for it, or choose another place by --out"):
        (write_tables if to == "parquet" else write_jsonl)(Run(directory).log, target)
    return None
