"""Whoever waits for news of a run is answered as soon as there are any, however many wait."""

import asyncio
import gc
import os

import pytest

from simlab.apps import tails as tails_file
from simlab.apps.reading import Reading
from simlab.apps.tails import Tails
from simlab.errors import ConfigError, NotFoundError, RunDirectoryError
from simlab.view.opened import OpenedRun
from tests.view.growing import grown


@pytest.fixture
def growing(copied):
    """A run as it was when half of it had been written, and how to let it grow."""
    segment, data = grown(copied, 0.5)

    def grow(share):
        with segment.open("ab") as file:
            file.write(data[segment.stat().st_size : int(len(data) * share)])

    return copied, grow


@pytest.fixture
async def watched(growing, monkeypatch):
    """Its name, its tails, and how to let it grow; nothing is left behind at the end."""
    monkeypatch.setattr(tails_file, "_EVERY_S", 0.001)
    path, grow = growing
    reading = Reading([path])
    tails = Tails(reading)
    yield path.name, tails, grow
    await tails.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}, "no task is left behind"
    reading.close()


@pytest.fixture
def looks(monkeypatch):
    """How often each run was looked at for those who wait."""
    found = []
    standing = tails_file._standing
    monkeypatch.setattr(
        tails_file, "_standing", lambda run: found.append(run.path) or standing(run)
    )
    return found


async def until(holds):
    """Let others go on until something holds."""
    while True:
        if holds():
            return
        await asyncio.sleep(0)


async def cursor_of(name, tails):
    """One from which nothing is new."""
    news = await tails.news(name, "", wait_s=0)
    while news["episodes"] or news["more"]:
        news = await tails.news(name, news["cursor"], wait_s=0)
    return news["cursor"]


async def test_without_a_cursor_or_time_nobody_waits(watched):
    name, tails, _ = watched

    first = await tails.news(name, "", wait_s=600)
    again = await tails.news(name, await cursor_of(name, tails), wait_s=0)

    assert first["episodes"]
    assert again["episodes"] == []


async def test_who_waits_in_vain_is_answered_in_time(watched):
    name, tails, _ = watched

    news = await tails.news(name, await cursor_of(name, tails), wait_s=0.02)

    assert news["episodes"] == []
    assert news["run"]["state"] == "stopped"


async def test_sim_22_no_waiter_misses_a_change_and_one_reads_for_all_of_them(watched, looks):
    name, tails, grow = watched
    cursor = await cursor_of(name, tails)

    waiting = [asyncio.create_task(tails.news(name, cursor, wait_s=60)) for _ in range(20)]
    await until(lambda: len(looks) > 2)
    before = len(looks)
    grow(0.8)
    told = await asyncio.wait_for(asyncio.gather(*waiting), 5)

    assert all(news["episodes"] for news in told)
    assert len({str(news["episodes"]) for news in told}) == 1
    assert len(looks) < before + 20, "not each of them has looked"


async def test_who_comes_at_any_moment_of_a_change_is_told_of_it(watched):
    name, tails, grow = watched
    cursor = await cursor_of(name, tails)
    waiting = []
    for nth in range(30):
        waiting.append(asyncio.create_task(tails.news(name, cursor, wait_s=60)))
        if nth == 15:
            grow(0.7)
        for _ in range(nth):
            await asyncio.sleep(0)

    told = await asyncio.wait_for(asyncio.gather(*waiting), 5)

    assert all(news["episodes"] for news in told)


async def test_change_after_change_is_told_with_no_gap(watched):
    name, tails, grow = watched
    cursor = await cursor_of(name, tails)
    steps = []
    for share in (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.0):
        waiting = asyncio.create_task(tails.news(name, cursor, wait_s=60))
        await asyncio.sleep(0)
        grow(share)
        news = await asyncio.wait_for(waiting, 5)
        cursor = news["cursor"]
        steps.append(news["run"]["n_steps"])

    assert steps == sorted(steps)
    whole = await tails.news(name, "", wait_s=0)
    assert whole["run"]["n_steps"] == steps[-1]


async def test_who_goes_away_leaves_nobody_looking(watched, looks):
    name, tails, _ = watched
    cursor = await cursor_of(name, tails)
    waiting = asyncio.create_task(tails.news(name, cursor, wait_s=60))
    await until(lambda: looks)

    waiting.cancel()
    await asyncio.wait([waiting])

    await until(lambda: len(asyncio.all_tasks()) == 1)


async def test_at_the_end_all_who_wait_are_answered_and_nobody_waits_any_more(watched, looks):
    name, tails, _ = watched
    cursor = await cursor_of(name, tails)
    waiting = [asyncio.create_task(tails.news(name, cursor, wait_s=60)) for _ in range(5)]
    await until(lambda: looks)

    tails.end()
    told = await asyncio.wait_for(asyncio.gather(*waiting), 5)
    late = await asyncio.wait_for(tails.news(name, cursor, wait_s=60), 5)

    assert [news["episodes"] for news in [*told, late]] == [[]] * 6


async def test_who_waits_for_a_run_that_is_spoilt_is_told_so_and_no_error_is_lost(
    watched, looks, tmp_path
):
    name, tails, _ = watched
    cursor = await cursor_of(name, tails)
    waiting = [asyncio.create_task(tails.news(name, cursor, wait_s=60)) for _ in range(3)]
    await until(lambda: looks)
    lost = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: lost.append(what))

    os.truncate(next((tmp_path / "copied" / "segments").glob("*.log")), 100)
    told = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    await until(lambda: len(asyncio.all_tasks()) == 1)
    gc.collect()

    assert all("has" in error.message for error in told)
    assert lost == []


@pytest.mark.parametrize(
    ("run", "cursor", "error"),
    [("no such", "", NotFoundError), ("copied", "no cursor", ConfigError)],
)
async def test_what_is_none_is_refused_at_once(watched, run, cursor, error):
    _, tails, _ = watched

    with pytest.raises(error):
        await tails.news(run, cursor, wait_s=60)


async def test_a_run_that_vanishes_is_told_as_gone_on(tmp_path, watched):
    name, tails, _ = watched
    cursor = await cursor_of(name, tails)
    (tmp_path / "copied" / "run.yaml").unlink()
    for entry in (tmp_path / "copied" / "segments").iterdir():
        entry.unlink()
    (tmp_path / "copied" / "segments").rmdir()

    with pytest.raises(RunDirectoryError, match=r"run\.yaml|segments"):
        await tails.news(name, cursor, wait_s=0.1)


def test_a_standing_tells_two_openings_of_one_run_apart(copied):
    one, other = OpenedRun(copied), OpenedRun(copied)

    assert tails_file._standing(one) == tails_file._standing(one)
    assert tails_file._standing(one) != tails_file._standing(other)
