"""A disk that takes no more: the run ends with a message, and nothing committed is lost."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from simlab.sim.run import Run

LIMIT_BYTES = 40_000


def simlab(
    *arguments: str | Path, limit_bytes: int | None = None
) -> subprocess.CompletedProcess[str]:
    """A command in a process whose files may be only so large."""

    def limit() -> None:
        if limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    return subprocess.run(
        [sys.executable, "-m", "simlab.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )


@pytest.mark.slow
def test_a_disk_that_fills_ends_the_run_with_2_and_loses_nothing_committed(tmp_path):
    given = ("run", "car_sale", "--episodes", "64", "--seed", "7", "--model", "all=scripted")
    given = (*given, "--hosts", "0", "--out")

    whole = simlab(*given, tmp_path / "whole")
    full = simlab(*given, tmp_path / "full", limit_bytes=LIMIT_BYTES)
    n_committed = Run(tmp_path / "full").log.n_events
    resumed = simlab(*given, tmp_path / "full", "--resume")

    assert whole.returncode == 0
    assert full.returncode == 2
    assert "--resume" in full.stderr
    assert "Traceback" not in full.stderr
    assert n_committed > 0
    assert resumed.returncode == 0, resumed.stderr
    assert Run(tmp_path / "full").digest == Run(tmp_path / "whole").digest
