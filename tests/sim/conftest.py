"""Run files and runs for the tests of simulations."""

import io
import sys

import pandas  # noqa: F401 - takes a second, which no test should be charged with
import pytest
import yaml

from simlab.sim.launch import prepare_branch, run
from tests.sim.branches import Calls

RELAY = {
    "name": "relay",
    "world": "tests.sim.worlds:Relay",
    "cast": {"*": {"agent": "llm"}},
    "models": {"small": {"engine": "scripted"}},
}
"""Two models that chat, whose words follow from the seed."""


@pytest.fixture(autouse=True)
def _unsynced(disk_that_never_waits):
    """All tests here make runs; that they sync is shown in `tests/trace`."""


@pytest.fixture
def run_file(tmp_path):
    """Writes a run file; takes its text or its data, and gives its path."""

    def write(contents, name="mine.yaml"):
        path = tmp_path / name
        path.write_text(contents if isinstance(contents, str) else yaml.safe_dump(contents))
        return str(path)

    return write


class Terminal(io.StringIO):
    """Standard input as it is where a person sits, or not."""

    def __init__(self, *, there):
        super().__init__()
        self._there = there

    def isatty(self):
        return self._there


@pytest.fixture
def terminal(monkeypatch):
    """Says whether standard input is a terminal."""

    def be(*, there):
        monkeypatch.setattr(sys, "stdin", Terminal(there=there))

    return be


@pytest.fixture
def relay(run_file, tmp_path):
    """Runs the relay in this process; keys of its run file may be set, ``cast`` and all."""

    def start(out="run", *, resume=False, retry_failed=False, observer=None, **keys):
        return run(
            run_file({**RELAY, **keys}, "relay.yaml"),
            out=tmp_path / out,
            hosts=0,
            resume=resume,
            retry_failed=retry_failed,
            observer=observer,
        )

    return start


@pytest.fixture
def branch(tmp_path):
    """Branches a run and plays it to the end."""

    def start(parent, *, step, out="branch", episode=0, **options):
        launch = prepare_branch(
            parent.path, episode=episode, step=step, out=tmp_path / out, **options
        )
        return launch.run()

    return start


@pytest.fixture
def calls(tmp_path):
    """A model that logs its calls, and how many there were."""
    return Calls(tmp_path / "calls")
