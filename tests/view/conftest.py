"""Runs to look at, made once and copied by those who change them."""

import os
import shutil
from pathlib import Path

import pandas  # noqa: F401 - takes a second, which no test should be charged with
import pytest

from simlab.sim.launch import prepare, prepare_branch
from simlab.view.opened import OpenedRun
from simlab.view.static_page import write_page
from tests.view.browsing import chromium


@pytest.fixture(scope="session")
def unsynced():
    """Lets syncs take no time while runs are made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        patch.setattr(os, "fdatasync", lambda _descriptor: None)
        yield


def play(scenario, folder, **keys):
    return prepare(
        scenario, out=folder, hosts=0, models={"all": "scripted"}, settings={}, **keys
    ).run()


@pytest.fixture(scope="session")
def runs(tmp_path_factory, unsynced) -> Path:  # noqa: ARG001
    """A folder with a sale of three episodes, a branch of it, and a dialogue that is rated."""
    folder = tmp_path_factory.mktemp("runs")
    play("car_sale", folder / "sale", episodes=3)
    play("study_coach", folder / "coach", episodes=2)
    prepare_branch(
        folder / "sale", episode=0, step=3, say={"buyer": "Let me think."}, out=folder / "branch"
    ).run()
    return folder


@pytest.fixture
def sale(runs) -> OpenedRun:
    """The sale, opened by nobody before."""
    return OpenedRun(runs / "sale")


@pytest.fixture
def coach(runs) -> OpenedRun:
    """The dialogue, opened by nobody before."""
    return OpenedRun(runs / "coach")


@pytest.fixture
def copied(runs, tmp_path) -> Path:
    """A copy of the sale that may be spoilt."""
    return Path(shutil.copytree(runs / "sale", tmp_path / "copied"))


@pytest.fixture(scope="session")
def browser():
    """Chromium, or a reason to skip."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def pages(runs, tmp_path_factory) -> dict[str, str]:
    """The addresses of the runs' pages, exported for offline use."""
    folder = tmp_path_factory.mktemp("pages")
    for path in runs.iterdir():
        write_page(OpenedRun(path), folder / f"{path.name}.html")
    return {path.stem: path.as_uri() for path in folder.iterdir()}
