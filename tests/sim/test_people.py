"""People in seats of a run: asked in this process, wherever their episodes are played."""

import asyncio
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import simlab
from simlab.actors import system as system_file
from simlab.actors.memory_cluster import MemoryCluster
from simlab.agents.person import HumanAnswer
from simlab.agents.terminal_person import TerminalPerson
from simlab.sim.blocking import run_async
from simlab.sim.branching import branching_of
from simlab.sim.config import checked
from simlab.sim.launch import prepare_branch
from simlab.sim.provenance import provenance
from simlab.sim.run import Run
from simlab.sim.simulation import Observer, Simulation
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Cancelled, Effect, EffectCore
from tests.agents.people import Screen
from tests.sim.conftest import RELAY
from tests.sim.records import check_log, replayed

WORLDS = "tests.sim.worlds"
CAST = {"ann": {"agent": "human"}, "bob": {"agent": f"{WORLDS}:Chatter"}}


class Player:
    """A person who says what she was asked; told to do so, she ends a host before an answer.

    Args:
        before: At which question, from 1; 0 for none.
        kill: Ends the host.
    """

    def __init__(self, before=0, kill=None):
        self.before, self.kill = before, kill
        self.asked = []

    async def answer(self, question):
        self.asked.append(question)
        if len(self.asked) == self.before:
            self.kill()
            await asyncio.get_running_loop().create_future()
        return HumanAnswer(f"{question.asker} was asked: {question.prompt}")


def test_a_notebook_seats_a_person_by_a_function(run_file, tmp_path, terminal):
    terminal(there=False)
    asked = []

    def answer(question):
        asked.append((question.asker, question.news))
        return f"I am {question.asker}."

    path = run_file({**RELAY, "cast": CAST})
    made = simlab.run(path, out=tmp_path / "r", hosts=0, episodes=2, person=answer)

    said = made.frame().query("seat == 'ann'").words
    assert set(said) == {"I am ann of episode 0.", "I am ann of episode 1."}
    assert len(asked) == len(said)
    assert replayed(made) == 2


@pytest.mark.parametrize("fits", [False, True])
def test_a_function_in_a_seat_whose_answers_do_not_fit_ends_as_that_of_an_agent(
    tmp_path, terminal, fits
):
    terminal(there=False)
    made = simlab.run(
        "car_sale",
        out=tmp_path / "r",
        models={"all": "scripted"},
        settings={"cast.buyer.agent": "human"},
        person=lambda _question: {"say": "No.", "price": 5000} if fits else "much",
    )

    acts = [turn.acted for turn in made.episode(0).turns() if turn.acted.seat == "buyer"]
    assert made.summary.n_ended == 1
    assert {act.invalid is None for act in acts} == {fits}


def test_a_person_who_is_none_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(
        TypeError, match=r"person must be a function of a question or a Person, got"
    ):
        simlab.run("car_sale", out=tmp_path / "r", person="me")

    assert not (tmp_path / "r").exists()


@pytest.fixture
def cluster(monkeypatch):
    """Hosts in this process for all systems of a test that have any."""
    cluster = MemoryCluster()
    monkeypatch.setattr(system_file, "ray_cluster", lambda *_: cluster)
    return cluster


@pytest.fixture(
    params=[
        pytest.param("memory", id="hosts in memory"),
        pytest.param("ray", id="hosts in Ray", marks=pytest.mark.ray),
    ]
)
def kill_host(request, tmp_path):
    """Ends the host in which a `Located` relay was made last, in a run on hosts of either kind."""
    if request.param == "memory":
        processes = request.getfixturevalue("cluster").processes

        def kill():
            processes["host-0"][-1].die()
    else:
        request.getfixturevalue("ray_session")

        def kill():
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    return kill


@pytest.fixture
def play(tmp_path):
    """Plays a run in which a person is asked."""

    def start(person, *, hosts, out="run", notices=None, **keys):
        path = tmp_path / out
        if RunDirectory.is_one(path):
            directory = RunDirectory.open(path)
            file = Run(path).file
        else:
            file = checked({**RELAY, "cast": CAST, **keys})
            directory = RunDirectory.create(path, provenance(file))
        observer = Observer(on_notice=[].append if notices is None else notices.append)
        simulation = Simulation(file, directory, hosts=hosts, person=person, observer=observer)
        run_async(simulation.run())
        return Run(path)

    return start


def answers(run):
    """What the record has of people: kind, episode, step and what was answered, in order."""
    cores = [
        (episode, run.log.core(event, EffectCore))
        for episode in run.log.episodes
        for event in run.log.events(episode, (Effect,))
    ]
    return [(core.kind, episode, core.step, core.result["action"]) for episode, core in cores]


@pytest.mark.usefixtures("cluster")
def test_a_run_with_people_has_one_digest_on_0_and_2_hosts(play):
    here, there = Player(), Player()
    one = play(here, hosts=0, out="here", episodes=2)

    other = play(there, hosts=2, out="there", episodes=2)

    assert one.digest == other.digest
    assert answers(one) == answers(other)
    assert {kind for kind, *_ in answers(one)} == {"human"}
    assert sorted(map(str, here.asked)) == sorted(map(str, there.asked))
    assert replayed(other) == 2


def test_sim_3_a_host_that_dies_while_the_person_thinks_asks_again_and_doubles_nothing(
    play, kill_host, tmp_path
):
    keys = {"world": f"{WORLDS}:Located", "options": {"pid_file": str(tmp_path / "pid")}}
    whole = play(Player(), hosts=0, out="whole", **keys)
    person, notices = Player(before=2, kill=kill_host), []

    run = play(person, hosts=1, notices=notices, **keys)

    assert len(notices) == 1
    assert run.digest == whole.digest
    assert check_log(run) == 2
    assert [question.prompt[:6] for question in person.asked] == ["Turn 0", "Turn 2", "Turn 2"]
    assert replayed(run) == 1


@pytest.mark.usefixtures("cluster")
def test_at_the_terminal_nothing_is_shown_twice_after_a_host_has_died(play, cluster):
    class Dying(Screen):
        async def read_line(self):
            if len(self.lines) == 1 and len(cluster.processes["host-0"]) == 1:
                cluster.processes["host-0"][-1].die()
                await asyncio.get_running_loop().create_future()
            return await super().read_line()

    screen = Dying("one", "two")

    play(TerminalPerson(screen), hosts=1)

    shown = screen.shown.splitlines()
    assert shown.count("You are ann. You chat.") == 1
    assert sum(line.startswith("bob: well") for line in shown) == 1
    assert shown.count("Turn 2: say something.") == 2, "she is asked again"


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("hosts", [0, 1])
def test_env_10_a_deadline_takes_a_question_back_and_the_next_one_is_asked(play, hosts):
    class Slow(Screen):
        async def read_line(self):
            if "Time 2?" not in self.shown:
                await asyncio.get_running_loop().create_future()
            return await super().read_line()

    screen = Slow("two", "three")

    run = play(
        TerminalPerson(screen),
        hosts=hosts,
        world=f"{WORLDS}:Hurried",
        cast={"ann": {"agent": "human"}},
        clock={"kind": "real", "speed": 1000.0},
    )

    acts = [turn.acted for turn in run.episode(0).turns()]
    assert [(act.action, act.late) for act in acts] == [
        ("...", True),
        ("two", False),
        ("three", False),
    ]
    assert len(list(run.log.events(0, (Cancelled,)))) == 1
    told = [line for line in screen.shown.splitlines() if line.startswith("It is")]
    assert told == [f"It is {time} o'clock." for time in (1, 2, 3)]
    assert replayed(run) == 1


def test_a_person_who_leaves_fails_the_episode_at_the_human_boundary(play):
    run = play(TerminalPerson(Screen("one", None)), hosts=0)

    failed = run.summary.episodes[0]
    assert failed.boundary == "human"
    assert failed.failure == "expected an answer, got the end of the terminal's input"
    assert replayed(run) == 1


def test_a_branch_of_a_run_with_people_asks_them_from_its_step_on(play, tmp_path, terminal):
    terminal(there=True)
    play(Player(), hosts=0)
    launch = prepare_branch(tmp_path / "run", episode=0, step=2, out=tmp_path / "branch")
    person = Player()

    run_async(
        Simulation(
            launch.file,
            launch.directory,
            branching=branching_of(launch.directory.read_run()),
            person=person,
        ).run()
    )

    assert [question.prompt for question in person.asked] == ["Turn 2: say something."]


PRICES = """
from dataclasses import dataclass

from simlab.env import ActionRequest, SeatSpec, TimeStep


@dataclass
class Price:
    amount: int
    say: str = ""

    def __post_init__(self):
        if self.amount % 5:
            raise ValueError("prices end in 0 or 5")


class Shop:
    seats = {"ann": SeatSpec("You sell."), "bob": SeatSpec("You buy.", optional=True)}

    def reset(self, seed, options=None):
        self.prices = []
        return TimeStep({"ann": self.request("First price?")}, {"ann": ["It is day."]})

    def step(self, actions, now=0.0):
        self.prices.append(actions["ann"].amount)
        if len(self.prices) == 2:
            return TimeStep(rewards={"ann": sum(self.prices)}, ended={"ann": "terminated"})
        return TimeStep({"ann": self.request("Last price?")}, {"ann": ["It is night."]})

    def request(self, prompt):
        return ActionRequest(Price, prompt=prompt)
"""


def typed(arguments, lines, cwd):
    """A command in a process of its own, at a terminal at which lines are typed ahead.

    Returns:
        Its exit status, and all that the terminal shows.
    """
    typist, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "simlab.cli", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    os.write(typist, "".join(f"{line}\n" for line in lines).encode())
    shown = b""
    try:
        while chunk := os.read(typist, 4096):
            shown += chunk
    except OSError:  # all who could write have gone
        pass
    finally:
        os.close(typist)
    return process.wait(timeout=60), re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())


@pytest.mark.ray
def test_a_person_at_the_terminal_plays_on_a_ray_host_and_the_run_replays(tmp_path):
    (tmp_path / "shop.py").write_text(PRICES)
    (tmp_path / "shop.yaml").write_text(
        "name: shop\nworld: shop.py:Shop\ncast:\n  ann: {agent: human}\n"
    )
    lines = ["12", "Cheap!", "15", "Cheap!", "20", ""]

    there, shown = typed(["run", "shop.yaml", "--hosts", "1", "--out", "there"], lines, tmp_path)
    here, _ = typed(["run", "shop.yaml", "--hosts", "0", "--out", "here"], lines, tmp_path)
    again, said = typed(["replay", "there"], [], tmp_path)

    assert (there, here, again) == (0, 0, 0), shown
    assert "prices end in 0 or 5" in shown
    run = Run(tmp_path / "there")
    assert run.digest == Run(tmp_path / "here").digest
    assert answers(run) == [
        ("human", 0, 0, {"amount": 15, "say": "Cheap!"}),
        ("human", 0, 1, {"amount": 20, "say": ""}),
    ]
    assert shown.count("It is day.") == shown.count("It is night.") == 1
    assert "1 episodes replayed from their effects: all the same" in said
