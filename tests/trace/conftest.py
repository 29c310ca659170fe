import pytest

from tests.trace.society import new_run


@pytest.fixture
def directory(tmp_path):
    """An empty run directory."""
    return new_run(tmp_path / "run")
