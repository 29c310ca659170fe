"""A disk that takes no more: the run ends with a message, and nothing committed is lost."""

import resource
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from simlab.errors import LogWriteError
from simlab.sim.launch import prepare, run
from simlab.sim.run import Run
from tests.commands import DONE, refused
from tests.sim.conftest import RELAY
from tests.sim.records import Calls, check_log

LIMIT_BYTES = 40_000


def command(
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
    calls = Calls(tmp_path / "calls")
    given = ("run", "car_sale", "--episodes", "64", "--seed", "7", "--model", "all=scripted")
    given = (*given, "--set", f"models.all.calls_log={calls.log}", "--hosts", "0", "--out")

    full = command(*given, tmp_path / "full", limit_bytes=LIMIT_BYTES)
    n_committed, n_calls = check_log(Run(tmp_path / "full")), calls.count()
    resumed = command(*given, tmp_path / "full", "--resume")
    n_more = calls.count() - n_calls
    whole = command(*given, tmp_path / "whole")

    assert full.returncode == 2
    assert "--resume" in full.stderr
    assert "Traceback" not in full.stderr
    assert (resumed.returncode, whole.returncode) == (0, 0), resumed.stderr
    assert Run(tmp_path / "full").digest == Run(tmp_path / "whole").digest
    assert n_committed > 0
    assert n_more == check_log(Run(tmp_path / "full")) - n_committed, "no call was asked again"


@pytest.mark.parametrize("file", ["summary.json", "tables/effects.parquet"])
def test_what_a_run_came_to_is_written_once_there_is_room_again(simlab, relay, full_for, file):
    made = relay()
    (made.path / file).unlink()

    with full_for(Path(file).name):
        message = refused(simlab("run", made.path, "--resume", "--hosts", 0))
    resumed = simlab("run", made.path, "--resume", "--hosts", 0)

    told = made.path / file.partition("/")[0]
    assert message == (
        f"{told} cannot be written: No space left on device; what was committed stays, so free the "
        f"disk and go on with --resume; then: simlab run {made.path} --resume"
    )
    assert resumed.exit_code == DONE, resumed.output
    assert Run(made.path).digest == made.digest
    assert len(pd.read_parquet(made.path / "tables" / "effects.parquet")) == 4


def test_a_run_that_grows_where_there_is_no_room_stays_as_it_was(simlab, relay, full_for):
    made = relay()

    with full_for("run.yaml"):
        message = refused(simlab("run", made.path, "--resume", "--hosts", 0, "--episodes", 2))

    assert message.startswith(f"{made.path}/run.yaml cannot be written: No space left on device; ")
    assert Run(made.path).file.episodes == 1
    assert simlab("run", made.path, "--resume", "--hosts", 0, "--episodes", 2).exit_code == DONE


def test_a_seal_for_which_there_is_no_room_is_made_on_resuming(relay, run_file, full_for, tmp_path):
    launch = prepare(run_file(RELAY), out=tmp_path / "cut", hosts=0)
    refusal = pytest.raises(LogWriteError, match=r"driver.seal cannot be written: No space left")

    with refusal, full_for("000001-driver.seal"):
        launch.run()
    resumed = run(tmp_path / "cut", resume=True, hosts=0)

    assert resumed.digest == relay().digest
