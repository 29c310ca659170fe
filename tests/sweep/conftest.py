"""What tests of sweeps share."""

import pytest

from tests.models.conftest import tiny_weights
from tests.sweep.sweeps import write_sweep

__all__ = ["tiny_weights"]


@pytest.fixture
def sweep_file(tmp_path, tiny_weights, monkeypatch):
    """Writes the file of a sweep with a scripted collector, and gives its path."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def write(**keys):
        return write_sweep(tmp_path, tiny_weights, **keys)

    return write
