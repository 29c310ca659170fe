"""The runs under a folder are listed without reading their logs, and opened by their names."""

import os
import shutil
import subprocess
import sys

import pytest

from simlab.trace.log import Log
from simlab.view.alive import holder_of
from simlab.view.runs import Runs
from tests.view.growing import grown


def test_each_run_is_listed_with_its_state_and_what_it_came_to(runs):
    rows = {row["run"]: row for row in Runs([runs]).rows()}

    assert set(rows) == {"sale", "branch", "coach"}
    assert (rows["sale"]["state"], rows["sale"]["n_ended"]) == ("finished", 3)
    assert rows["sale"]["mean_returns"]["buyer"] > 0
    assert rows["branch"]["parent"] == str(runs / "sale")
    assert rows["coach"]["mean_ratings"].keys() == {"influence", "preference"}


def test_finished_runs_are_listed_without_opening_a_log(runs, monkeypatch):
    monkeypatch.setattr(Log, "__init__", lambda *_: pytest.fail("a log was opened"))

    assert len(Runs([runs]).rows()) == 3


def test_a_folder_that_is_a_run_is_listed_by_its_name(runs):
    listed = Runs([runs / "sale"])

    assert [row["run"] for row in listed.rows()] == ["sale"]
    assert listed.open("sale").overview()["name"] == "car_sale"


def test_two_folders_keep_their_runs_apart(runs, tmp_path):
    shutil.copytree(runs / "sale", tmp_path / "sale")

    names = [row["run"] for row in Runs([runs, tmp_path]).rows()]

    assert len(names) == len(set(names)) == 4


def test_a_run_below_other_folders_is_named_by_its_place(runs, tmp_path):
    shutil.copytree(runs / "sale", tmp_path / "rounds" / "001" / "collect")

    assert [row["run"] for row in Runs([tmp_path]).rows()] == ["rounds/001/collect"]


def test_a_short_run_that_goes_on_tells_how_far_it_is(runs, tmp_path):
    grown(shutil.copytree(runs / "sale", tmp_path / "live"), 0.6)

    (row,) = Runs([tmp_path]).rows()

    assert (row["state"], row["n_ended"]) == ("stopped", 0)
    assert 3 < row["n_steps"] < 17


HOLD = """
import fcntl, os, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
file.write(str(os.getpid()))
file.flush()
print("held", flush=True)
sys.stdin.read()
"""


def test_who_holds_a_run_is_known_while_it_lives_and_no_longer(copied):
    command = [sys.executable, "-c", HOLD, str(copied / "lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as holder:
        holder.stdout.readline()
        assert holder_of(copied) == holder.pid
        holder.stdin.close()
        holder.wait()

    assert holder_of(copied) is None


def test_a_lock_that_names_a_process_of_today_which_does_not_hold_it_is_nobodys(copied):
    (copied / "lock").write_text(str(os.getpid()))

    assert holder_of(copied) is None


def test_runs_for_which_there_is_no_time_are_read_when_they_are_listed_again(runs):
    listed = Runs([runs])

    states = {row["state"] for row in listed.lines(-1.0)}

    assert states == {"unread"}
    assert {row["state"] for row in listed.rows()} == {"finished"}


def test_a_stopped_run_is_opened_once_however_often_runs_are_listed(runs, tmp_path, monkeypatch):
    grown(shutil.copytree(runs / "sale", tmp_path / "live"), 0.6)
    listed = Runs([tmp_path])
    first = listed.rows()
    monkeypatch.setattr(Runs, "open", lambda *_: pytest.fail("it was opened again"))

    assert listed.rows() == first


def test_a_run_that_is_known_to_live_elsewhere_is_listed_as_running(runs, tmp_path):
    path = shutil.copytree(runs / "sale", tmp_path / "far")
    grown(path, 0.6)

    (row,) = Runs([], lambda: {"far on the cluster": path}).rows()

    assert (row["run"], row["state"]) == ("far on the cluster", "running")
