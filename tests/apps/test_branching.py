"""Branches and interviews that the app starts, as processes of their own."""

import asyncio
import gc
import os
import select
import shutil
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simlab.apps.branching import Branching, Wanted
from simlab.apps.interviewing import Interviewed, Interviewing
from simlab.apps.processes import Processes
from simlab.apps.reading import Reading
from simlab.apps.tails import Tails
from simlab.errors import ConfigError
from simlab.sim.run import Run
from tests.view.conftest import copied, runs, unsynced

__all__ = ["copied", "runs", "unsynced"]

HOSTILE = "--help; $(touch x) `touch y` \n--out=z"


@asynccontextmanager
async def desk(kind, *roots):
    """Somebody who starts commands, over some folders."""
    reading, processes = Reading([*roots]), Processes()
    yield kind(reading, processes), reading, processes
    await processes.close()
    reading.close()


class Instead:
    """Stands for `simlab`: says something and ends, or makes a folder a run."""

    def __init__(self, monkeypatch, tmp_path):
        self.script = tmp_path / "simlab_instead.py"
        self.arguments = tmp_path / "arguments"
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def does(self, code):
        place = self.script.with_name("python")
        place.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" > {self.arguments}\n{code}\n")
        place.chmod(0o755)

    def given(self):
        return self.arguments.read_bytes().decode().split("\0")[:-1]


@pytest.fixture
def instead(monkeypatch, tmp_path):
    return Instead(monkeypatch, tmp_path)


MAKE = 'for last in "$@"; do case $last in --out=*) cp "$SOURCE" "${last#--out=}";; esac; done'


async def test_a_branch_is_listed_as_soon_as_its_directory_is_there(copied, instead, monkeypatch):
    monkeypatch.setenv("SOURCE", str(copied / "run.yaml"))
    instead.does(MAKE)

    async with desk(Branching, copied.parent) as (branching, reading, _):
        name = await branching.branch(Wanted("copied", 1, 2, say=["buyer=No."], seed=3, samples=4))
        place = await reading.path_of(name)

    assert name == "copied-branch-1"
    assert instead.given() == [
        *("-m", "simlab.cli", "branch", "--episode=1", "--step=2", "--say=buyer=No.", "--seed=3"),
        *("--samples=4", "--people", f"--out={place}", "--", str(copied)),
    ]


async def test_a_branch_that_ends_just_as_its_directory_is_there_is_listed(copied):
    class Quick:
        """A command that makes its run, and ends, as soon as anybody looks."""

        async def start(self, arguments, *, goes_on):
            assert goes_on
            (out,) = (each for each in arguments if each.startswith("--out="))
            self.place = Path(out.removeprefix("--out="))
            return self

        @property
        def has_ended(self):
            shutil.copy(copied / "run.yaml", self.place)
            return True

        def error(self):
            return "nothing"

    reading = Reading([copied.parent])
    name = await Branching(reading, Quick()).branch(Wanted("copied", 1, 2))
    reading.close()

    assert name == "copied-branch-1"


async def test_branches_stand_beside_each_other_also_beside_a_run_that_alone_is_shown(
    copied, instead, monkeypatch
):
    monkeypatch.setenv("SOURCE", str(copied / "run.yaml"))
    instead.does(MAKE)

    async with desk(Branching, copied) as (branching, reading, _):
        names = [await branching.branch(Wanted("copied", 0, 1)) for _ in range(2)]
        names.append(await branching.branch(Wanted(names[0], 0, 1)))
        listed = await reading.of_list(lambda runs: [row["run"] for row in runs.rows()])

    assert names == [f"copied-branch-{n}" for n in (1, 2, 3)]
    assert sorted(listed) == ["copied", *names]


async def test_what_people_type_is_no_option_and_reaches_no_shell(copied, instead):
    instead.does("exit 2")

    async with desk(Branching, copied.parent) as (branching, _, _):
        wanted = Wanted("copied", 0, 1, say=[HOSTILE], settings=[HOSTILE])
        with pytest.raises(ConfigError):
            await branching.branch(wanted)

    assert f"--say={HOSTILE}" in instead.given()
    assert f"--set={HOSTILE}" in instead.given()
    assert sorted(os.listdir(copied.parent)) == ["arguments", "copied", "python"]


async def test_why_a_branch_cannot_be_made_is_what_the_command_says(copied, instead):
    instead.does("echo loading; echo 'simlab: there is no step 99' >&2; exit 2")

    async with desk(Branching, copied.parent) as (branching, _, _):
        with pytest.raises(ConfigError, match="the branch cannot be made: there is no step 99"):
            await branching.branch(Wanted("copied", 0, 99))

    assert not (copied.parent / "copied-branch-1").exists()


async def test_what_ends_without_a_word_of_ours_is_told_by_its_last_lines(copied, instead):
    instead.does("echo one; echo Traceback; exit 1")

    async with desk(Branching, copied.parent) as (branching, _, _):
        with pytest.raises(ConfigError, match="one\nTraceback"):
            await branching.branch(Wanted("copied", 0, 1))


async def test_a_run_goes_on_when_the_app_ends_and_a_question_does_not(instead, copied):
    instead.does("exec sleep 60")

    async with desk(Branching, copied.parent) as (_, _, processes):
        run = await processes.start(["branch"], goes_on=True)
        question = await processes.start(["interview"], goes_on=False)

    assert question.has_ended
    assert not run.has_ended
    run.process.kill()
    await run.wait_end()


def test_a_run_goes_on_when_the_loop_of_the_app_is_gone(instead):
    instead.does("exec sleep 60")

    async def start():
        processes = Processes()
        command = await processes.start(["branch"], goes_on=True)
        await processes.close()
        return command.process.pid

    pid = asyncio.run(start())
    gc.collect()
    os.kill(pid, 0)
    found, _ = os.waitpid(pid, os.WNOHANG)
    os.kill(pid, signal.SIGKILL)

    assert found == 0, "it has ended"


async def test_a_question_that_does_not_end_is_killed_with_the_app(instead, monkeypatch):
    monkeypatch.setattr("simlab.apps.processes._GRACE_S", 0.3)
    instead.does("trap '' TERM; echo ready; while true; do sleep 0.05; done")

    processes = Processes()
    question = await processes.start(["interview"], goes_on=False)
    while "ready" not in question.error():  # noqa: ASYNC110 - another process says so
        await asyncio.sleep(0)
    await processes.close()

    assert question.process.returncode == -signal.SIGKILL


async def test_what_a_question_has_started_ends_with_it(instead, tmp_path, monkeypatch):
    monkeypatch.setattr("simlab.apps.processes._GRACE_S", 0.1)
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    instead.does(f"trap '' TERM; exec 3>{tmp_path / 'held'}; sleep 20 & echo ready; wait")

    processes = Processes()
    question = await processes.start(["interview"], goes_on=False)
    while "ready" not in question.error():  # noqa: ASYNC110 - another process says so
        await asyncio.sleep(0)
    await processes.close()
    ended, _, _ = select.select([held], [], [], 10)
    os.close(held)

    assert ended, "something holds the pipe"


@pytest.mark.parametrize(
    ("argument", "why"),
    [("x" * (1 << 18), "Argument list too long"), ("a\0b", "embedded null byte")],
)
async def test_a_command_that_no_system_takes_is_told_in_words(argument, why):
    processes = Processes()

    with pytest.raises(ConfigError, match=f"the command cannot be started: {why}; see"):
        await processes.start(["interview", argument], goes_on=False)

    await processes.close()


async def test_a_question_is_asked_of_whom_it_is_for(copied, instead):
    instead.does("exit 0")
    whom = Interviewed("copied", 1, 2, "buyer", "small=scripted")

    async with desk(Interviewing, copied.parent) as (interviewing, _, processes):
        assert await interviewing.ask(whom, "--out=x") == []
        folder = processes.folder

    given = instead.given()
    assert given[2:7] == ["interview", "--episode=1", "--step=2", "--seat=buyer", *given[6:7]]
    assert given[6] == "--model=small=scripted"
    assert given[7].startswith(f"--out={folder}/interview-")
    assert given[8:] == ["--", str(copied), "--out=x"]


async def test_an_empty_question_is_refused(copied):
    async with desk(Interviewing, copied.parent) as (interviewing, _, _):
        with pytest.raises(ConfigError, match="a question must have words"):
            await interviewing.ask(Interviewed("copied", 0, 1, "buyer"), " ")


@pytest.mark.slow
async def test_a_branch_and_an_interview_by_the_real_commands(copied):
    async with desk(Branching, copied.parent) as (branching, reading, processes):
        name = await branching.branch(Wanted("copied", 0, 1, say=["buyer=No."]))
        place = await reading.path_of(name)
        tails, told = Tails(reading), {"run": {"state": ""}, "cursor": ""}
        while told["run"]["state"] != "finished":
            told = await tails.news(name, told["cursor"], wait_s=5)
        interviewing = Interviewing(reading, processes)
        whom = Interviewed(name, 0, 2, "buyer")
        await interviewing.ask(whom, "Why?")
        exchanges = await interviewing.ask(whom, "Sure?")
        interviewing.begin_anew(whom)
        assert interviewing.exchanges(whom) == []
        parent = await reading.of_list(lambda runs: runs.parent_of(name))

    assert Run(place).episode(0).turns()[1].acted.edited
    assert [each["question"] for each in exchanges] == ["Why?", "Sure?"]
    assert parent == {"run": "copied", "episode": 0}
