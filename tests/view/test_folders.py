"""Folders are looked through once, and again only where they have changed."""

import os
import time
from pathlib import Path

import pytest

from simlab.view.folders import Folders

LONG_AGO = time.time() - 60


@pytest.fixture
def root(tmp_path):
    """A folder with a run below another, settled long ago."""
    (tmp_path / "a" / "one").mkdir(parents=True)
    (tmp_path / "a" / "one" / "run.yaml").touch()
    for path in (tmp_path / "a" / "one", tmp_path / "a", tmp_path):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return tmp_path


def test_a_folder_that_has_not_changed_is_not_read_again(root, monkeypatch):
    folders = Folders([root])
    first = list(folders.walk("run.yaml"))
    monkeypatch.setattr(Path, "iterdir", lambda _: pytest.fail("a folder was read"))

    assert list(folders.walk("run.yaml")) == first == [("a/one", root / "a" / "one")]


def test_what_is_new_in_a_folder_is_found(root):
    folders = Folders([root])
    assert len(list(folders.walk("run.yaml"))) == 1

    (root / "a" / "two").mkdir()
    (root / "a" / "two" / "run.yaml").touch()

    assert [name for name, _ in folders.walk("run.yaml")] == ["a/one", "a/two"]


def test_a_run_of_a_training_of_a_sweep_is_found(tmp_path):
    path = tmp_path / "sweep" / "trials" / "000" / "rounds" / "001" / "collect"
    path.mkdir(parents=True)
    (path / "run.yaml").touch()

    assert [found for _, found in Folders([tmp_path]).walk("run.yaml")] == [path]


def test_links_are_not_followed(root):
    os.symlink(root / "a", root / "b")

    assert [name for name, _ in Folders([root]).walk("run.yaml")] == ["a/one"]
