"""An opened run tells what it came to, and what is new since somebody last looked."""

import shutil

import pytest
from msgspec import Raw

from simlab.errors import ConfigError
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Started, encode
from simlab.trace.segment import MAGIC, pack
from simlab.view import opened as opened_module
from simlab.view.opened import OpenedRun
from simlab.view.turns import read_turns
from tests.view.growing import grown


def test_a_finished_run_is_told_without_opening_its_log(sale):
    overview = sale.overview()
    rows = sale.news()["episodes"]

    assert (overview["name"], overview["state"]) == ("car_sale", "finished")
    assert [seat["seat"] for seat in overview["seats"]] == ["buyer", "seller"]
    assert overview["seats"][0]["persona"].startswith("You are Robin")
    assert overview["accounts"]["model"][0]["calls"] == 17
    assert [row["n_steps"] for row in rows] == [7, 7, 3]
    assert "log" not in vars(sale)


def test_a_branch_names_its_parent_and_what_was_said(runs):
    branch = OpenedRun(runs / "branch").overview()["branch"]

    assert branch["parent"] == str(runs / "sale")
    assert branch["forks"] == [{"step": 3, "say": {"buyer": "Let me think."}}]


def test_news_since_a_cursor_are_only_what_has_changed(sale):
    first = sale.news()

    again = sale.news(first["cursor"])

    assert (len(first["episodes"]), again["episodes"]) == (3, [])


def test_a_cursor_of_another_process_holds(runs):
    cursor = OpenedRun(runs / "sale").news()["cursor"]

    assert OpenedRun(runs / "sale").news(cursor)["episodes"] == []


def test_many_episodes_come_a_part_at_a_time_and_each_once(sale, monkeypatch):
    monkeypatch.setattr(opened_module, "ROWS_AT_ONCE", 2)

    first = sale.news()
    second = sale.news(first["cursor"])

    assert (first["more"], second["more"]) == (True, False)
    told = [row["episode"] for news in (first, second) for row in news["episodes"]]
    assert sorted(told) == [0, 1, 2]


def test_something_else_than_a_cursor_is_refused(sale):
    with pytest.raises(ConfigError, match="cursor must be one that was given out"):
        sale.news("../../etc/passwd")


def test_turns_that_are_committed_arrive_with_the_next_news(copied):
    segment, data = grown(copied, 0.3)
    run = OpenedRun(copied)
    first = run.news()
    n_before = run.row(0)["n_steps"]

    segment.write_bytes(data)
    news = run.news(first["cursor"])

    assert n_before < 7
    assert {row["episode"]: row["n_steps"] for row in news["episodes"]} == {0: 7, 1: 7, 2: 3}
    assert {row["state"] for row in news["episodes"]} == {"ended"}
    assert len(read_turns(run, 0)["turns"]) == 7


def test_an_unfinished_episode_tells_its_returns_and_who_is_asked(copied):
    grown(copied, 0.35)
    run = OpenedRun(copied)

    run.news()
    row, window = run.row(0), read_turns(run, 0)

    assert row["state"] == "unfinished"
    assert row["returns"] == {"seller": 0.0}
    assert len(window["after"]["asked"]) == 1
    assert run.progress()["state"] == "stopped"


def test_a_live_dialogue_tells_its_ratings_before_it_has_a_summary(runs, tmp_path):
    copied = shutil.copytree(runs / "coach", tmp_path / "coach")
    finished = OpenedRun(runs / "coach").news()["episodes"]
    grown(copied, 1.0)

    rows = sorted(OpenedRun(copied).news()["episodes"], key=lambda row: row["episode"])

    assert [row["ratings"] for row in rows] == [row["ratings"] for row in finished]


def test_a_run_that_ends_under_the_viewer_is_finished(copied, runs):
    segment, data = grown(copied, 0.5)
    run = OpenedRun(copied)
    assert not run.is_finished

    segment.write_bytes(data)
    for file in (runs / "sale" / "segments").glob("*.seal"):
        shutil.copy(file, copied / "segments")
    run.refresh()
    shutil.copy(runs / "sale" / "summary.json", copied)
    run.refresh()

    assert run.is_finished
    assert run.overview()["state"] == "finished"


def test_a_finished_run_that_is_gone_on_with_is_read_on(copied):
    run = OpenedRun(copied)
    before = run.news()
    begun = Started(Raw(encode([1, {}])), b"", 0.0)
    segment = RunDirectory(copied).new_segment("driver")
    segment.path.write_bytes(MAGIC + pack(Started.KIND, 3, encode(begun)))

    after = run.news(before["cursor"])

    assert (before["run"]["state"], after["run"]["state"]) == ("finished", "stopped")
    assert {row["episode"] for row in after["episodes"]} == {0, 1, 2, 3}
