"""Runs are read from many threads, each run by one at a time."""

import asyncio
import random
import shutil
import threading

import pytest

from simlab.apps import reading as reading_file
from simlab.apps.reading import Reading
from simlab.errors import NotFoundError, SimlabError
from simlab.view.find import Query, find
from simlab.view.opened import OpenedRun
from simlab.view.runs import Runs
from simlab.view.steps import Steps
from simlab.view.turns import read_turns
from tests.view.growing import grown


@pytest.fixture
def reading(runs, monkeypatch):
    """Of some runs, with more threads than the app has."""
    monkeypatch.setattr(reading_file, "_THREADS", 16)
    made = Reading([runs])
    yield made
    made.close()


async def test_one_run_is_read_by_one_at_a_time_and_two_runs_at_once(reading):
    both = threading.Barrier(2, timeout=10)
    inside = {"sale": 0, "coach": 0}
    most = []

    def read(run):
        inside[run.path.name] += 1
        most.append(inside[run.path.name])
        both.wait()
        inside[run.path.name] -= 1

    await asyncio.gather(*(reading.of_run(name, read) for name in ["sale", "coach"] * 8))

    assert len(most) == 16
    assert max(most) == 1


async def test_two_runs_are_compared_by_one_at_a_time_in_whatever_order_they_are_named(reading):
    def both(one, other):
        return one.path.name, other.path.name

    asked = [("sale", "coach"), ("coach", "sale"), ("sale", "sale")] * 10
    told = await asyncio.wait_for(
        asyncio.gather(*(reading.of_two(*names, both) for names in asked)), 10
    )

    assert told == asked


async def test_a_run_that_takes_long_to_open_keeps_nobody_from_others(reading, monkeypatch):
    opening, may_go_on = threading.Event(), threading.Event()

    class Slow(OpenedRun):
        def __init__(self, path):
            if path.name == "coach":
                opening.set()
                assert may_go_on.wait(10)
            super().__init__(path)

    monkeypatch.setattr("simlab.view.runs.OpenedRun", Slow)
    slow = asyncio.create_task(reading.of_run("coach", OpenedRun.overview))
    await asyncio.to_thread(opening.wait)
    quick = await asyncio.wait_for(reading.of_run("sale", OpenedRun.overview), 5)
    names = await asyncio.wait_for(reading.rows(), 5)
    may_go_on.set()

    assert quick["name"] == "car_sale"
    assert len(names) == 3
    assert (await slow)["name"] == "study_coach"


async def test_a_run_that_hangs_takes_one_thread_however_many_wait_for_it(
    copied, runs, monkeypatch
):
    monkeypatch.setattr(reading_file, "_THREADS", 2)
    monkeypatch.setattr(reading_file, "_LISTED_S", 0.01)
    (copied / "summary.json").unlink()
    shutil.copytree(runs / "sale", copied.parent / "sale")
    few = Reading([copied.parent])
    hanging, may_go_on = threading.Event(), threading.Event()

    def hang(_run):
        hanging.set()
        assert may_go_on.wait(10)

    stuck = [asyncio.create_task(few.of_run("copied", hang)) for _ in range(4)]
    assert await asyncio.to_thread(hanging.wait, 10)
    told = await asyncio.wait_for(few.of_run("sale", OpenedRun.overview), 5)
    rows = await asyncio.wait_for(few.rows(), 5)
    may_go_on.set()
    await asyncio.gather(*stuck)
    few.close()

    assert told["name"] == "car_sale"
    assert {row["run"]: row["state"] for row in rows} == {"copied": "stopped", "sale": "finished"}


@pytest.fixture
def unfinished(copied):
    """A folder with two runs that have stopped."""
    (copied / "summary.json").unlink()
    shutil.copytree(copied, copied.parent / "other")
    return copied.parent


async def test_how_far_runs_are_is_asked_at_once_so_that_none_holds_back_the_others(
    unfinished, monkeypatch
):
    monkeypatch.setattr(reading_file, "_LISTED_S", 10)
    both = threading.Barrier(2, timeout=2)

    def progress(_runs, _name, _state):
        both.wait()
        return {"n_steps": 17}

    monkeypatch.setattr(Runs, "progress", progress)
    reading = Reading([unfinished])
    rows = await reading.rows()
    reading.close()

    assert [row["n_steps"] for row in rows] == [17, 17]


async def test_hanging_runs_leave_threads_to_others_and_are_as_far_as_they_were_last(
    unfinished, runs, monkeypatch
):
    shutil.copytree(runs / "sale", unfinished / "sale")
    may_go_on = threading.Event()
    reading = Reading([unfinished])
    before = await reading.rows()
    monkeypatch.setattr(Runs, "progress", lambda *_: {"hung": may_go_on.wait(10)})
    monkeypatch.setattr(reading_file, "_LISTED_S", 0.01)
    rows = [await reading.rows() for _ in range(3)]
    told = await asyncio.wait_for(reading.of_run("sale", OpenedRun.overview), 5)
    may_go_on.set()
    reading.close()

    assert rows == [before] * 3
    assert {row["n_steps"] for row in before} == {17}
    assert told["name"] == "car_sale"


async def test_a_run_that_was_listed_is_found_while_the_list_is_read_anew(reading):
    before = await reading.path_of("sale")
    listing, may_go_on = threading.Event(), threading.Event()

    def lists(_runs):
        listing.set()
        assert may_go_on.wait(10)

    under_way = asyncio.create_task(reading.of_list(lists))
    await asyncio.to_thread(listing.wait)
    found = await asyncio.wait_for(reading.path_of("sale"), 5)
    may_go_on.set()
    await under_way

    assert found == before


async def test_who_gives_up_waiting_lets_nobody_else_read_the_run_before_it_is_done(reading):
    begun, may_go_on, done = threading.Event(), threading.Event(), []

    def read(_run):
        begun.set()
        assert may_go_on.wait(10)
        done.append("read")

    given_up = asyncio.create_task(reading.of_run("sale", read))
    await asyncio.to_thread(begun.wait)
    given_up.cancel()
    after = asyncio.create_task(reading.of_run("sale", lambda _: list(done)))
    await asyncio.wait([after], timeout=0.05)
    may_go_on.set()

    assert await after == ["read"]


@pytest.mark.slow
async def test_a_run_that_grows_is_hammered_from_many_threads(copied, runs, monkeypatch):
    monkeypatch.setattr(reading_file, "_THREADS", 16)
    shutil.copytree(runs / "coach", copied.parent / "coach")
    segment, data = grown(copied, 0.3)
    reading = Reading([copied.parent])
    rng = random.Random(7)
    looks = [
        lambda: reading.rows(),  # noqa: PLW0108
        lambda: reading.of_run("copied", OpenedRun.overview),
        lambda: reading.of_run("copied", OpenedRun.news, ""),
        lambda: reading.of_run("copied", read_turns, 0, -5),
        lambda: reading.of_run("copied", find, Query("a")),
        lambda: reading.of_steps("copied", Steps.read, 0, 1),
        lambda: reading.of_run("coach", OpenedRun.overview),
        lambda: reading.of_two("copied", "coach", lambda one, other: (one.path, other.path)),
    ]
    whole = reading.of_run("copied", OpenedRun.news, "")
    before = (await whole)["run"]["n_steps"]

    for share in range(30, 101, 5):
        with segment.open("ab") as file:
            file.write(data[segment.stat().st_size : len(data) * share // 100])
        await asyncio.gather(*(rng.choice(looks)() for _ in range(60)))

    after = await reading.of_run("copied", OpenedRun.news, "")
    fresh = OpenedRun(copied).news()
    reading.close()
    assert before < after["run"]["n_steps"]
    assert after["run"] == fresh["run"]
    assert sorted(after["episodes"], key=by_number) == sorted(fresh["episodes"], key=by_number)


def by_number(row):
    return row["episode"]


async def test_a_run_that_vanishes_is_not_there_and_a_new_one_in_its_place_is(copied, runs):
    reading = Reading([copied.parent])
    before = await reading.of_run("copied", OpenedRun.overview)
    shutil.rmtree(copied)
    with pytest.raises(SimlabError):
        await reading.of_run("copied", OpenedRun.overview)
    rows = await reading.rows()
    with pytest.raises(NotFoundError):
        await reading.of_run("copied", OpenedRun.overview)
    shutil.copytree(runs / "coach", copied)
    after = await reading.of_run("copied", OpenedRun.overview)
    reading.close()

    assert before["name"] == "car_sale"
    assert rows == []
    assert after["name"] == "study_coach"


async def test_to_close_waits_for_no_read_and_after_it_nothing_is_read(reading):
    begun, may_go_on = threading.Event(), threading.Event()

    def read(_run):
        begun.set()
        assert may_go_on.wait(10)
        return "done"

    under_way = asyncio.create_task(reading.of_run("sale", read))
    await asyncio.to_thread(begun.wait)
    reading.close()
    may_go_on.set()

    assert await under_way == "done"
    with pytest.raises(RuntimeError, match="nothing is done after these threads were ended"):
        await reading.of_run("sale", OpenedRun.overview)


def test_more_runs_than_are_kept_open_are_opened_again(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("simlab.view.runs._OPEN_AT_ONCE", 2)
    for name in "abcd":
        shutil.copytree(runs / "sale", tmp_path / name)
    listed = Runs([tmp_path])

    first = listed.open("a")
    for name in "bcd":
        listed.open(name)

    assert listed.open("d") is listed.open("d")
    assert listed.open("a") is not first
