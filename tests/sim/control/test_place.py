"""Where the socket of a run is, and who can connect to it."""

import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from simlab.errors import ControlError
from simlab.sim.control.client import ControlClient
from simlab.sim.control.place import bind, elsewhere, find, unbind


@pytest.fixture
def runtime(monkeypatch):
    """The user's runtime directory, whose path is short."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


def test_only_the_user_can_connect(tmp_path):
    before = os.umask(0)
    try:
        bound, path = bind(tmp_path)
    finally:
        os.umask(before)
    bound.close()

    assert path == tmp_path / "control.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert find(tmp_path) == path
    unbind(tmp_path, path)
    assert not path.exists()


def test_where_the_path_is_too_long_the_socket_is_in_the_users_runtime_directory(tmp_path, runtime):
    run = tmp_path / ("long" * 30)
    run.mkdir()

    bound, path = bind(run)
    bound.close()

    assert path.parent == runtime / "simlab"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert find(run) == path
    unbind(run, path)
    assert not path.exists()


def test_a_socket_that_a_killed_run_has_left_is_replaced(tmp_path):
    first, path = bind(tmp_path)
    first.close()
    with pytest.raises(ControlError, match="nobody listens at the socket of"):
        ControlClient(tmp_path)

    second, again = bind(tmp_path)
    second.close()

    assert again == path


def test_a_runtime_directory_that_others_can_use_is_refused(tmp_path, runtime):
    (runtime / "simlab").mkdir(parents=True)
    (runtime / "simlab").chmod(0o777)

    with pytest.raises(ControlError, match="must be a folder that only this user can use"):
        elsewhere(tmp_path)


@pytest.mark.usefixtures("runtime")
def test_a_run_from_a_stranger_leads_to_no_socket_but_its_own(tmp_path):
    other = socket.socket(socket.AF_UNIX)
    other.bind(str(tmp_path / "other.sock"))
    run = tmp_path / "run"
    run.mkdir()
    (run / "control.sock").symlink_to(tmp_path / "other.sock")

    with pytest.raises(ControlError, match="has no socket of this user; a run that has ended"):
        find(run)
    other.close()
