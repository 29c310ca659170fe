"""What commands say of users' code that calls `sys.exit` where nobody looks at it."""

import pytest

from simlab.sim.run import Run
from tests.commands import BAD_INPUT, DONE, FAILED

QUITTER = """
import asyncio
import sys
from pathlib import Path

async def look_up():
    if not Path("mended").exists():
        sys.exit(3)

async def act(request):
    await asyncio.gather(look_up())
    return "Hello."
"""

SCRIPT = """
import sys

def act(request):
    return "Hello."

sys.exit(0)
"""


@pytest.fixture
def arguments(own_file, path, tmp_path):
    """Of a run whose agents are a function in a user's file."""

    def write(text):
        cast = f"cast={{'*': {{agent: '{own_file(text)}:act'}}}}"
        return ["run", path, "--out", tmp_path / "r", "--set", cast, "--set", "options.turns=1"]

    return write


def test_a_run_that_users_code_ends_says_so_and_is_gone_on_with(simlab, arguments, tmp_path):
    ended = simlab(*arguments(QUITTER))
    replayed = simlab("replay", tmp_path / "r")
    (tmp_path / "mended").touch()
    resumed = simlab("run", tmp_path / "r", "--resume")

    assert ended.exit_code == replayed.exit_code == FAILED
    assert replayed.stderr == (
        "simlab: an agent, a judge, the world or a model called sys.exit(3) in a task of its own, "
        "which ends the process; let it raise an error instead\n"
    )
    assert ended.stderr == f"{replayed.stderr[:-1]}; then: simlab run {tmp_path / 'r'} --resume\n"
    assert resumed.exit_code == DONE
    assert Run(tmp_path / "r").summary.n_ended == 1


def test_a_file_that_ends_the_process_as_it_is_loaded_is_refused(simlab, arguments, tmp_path):
    result = simlab(*arguments(SCRIPT))

    assert result.exit_code == BAD_INPUT
    assert "my_world.py failed: SystemExit: 0; put what it does as a script under" in result.stderr
    assert not (tmp_path / "r").exists()
