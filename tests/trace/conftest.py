import pytest

from tests.trace.society import new_run


@pytest.fixture(autouse=True)
def _unsynced(disk_that_never_waits):
    """All tests here write much."""


@pytest.fixture
def directory(tmp_path):
    """An empty run directory."""
    return new_run(tmp_path / "run")
