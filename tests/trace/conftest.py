import os

import pytest

from tests.trace.society import new_run


@pytest.fixture(autouse=True)
def _unsynced(monkeypatch):
    """Tests end processes and never machines, so what they write need not outlive these."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "fdatasync", lambda _: None)


@pytest.fixture
def directory(tmp_path):
    """An empty run directory."""
    return new_run(tmp_path / "run")
