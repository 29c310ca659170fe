"""Runs and those who look at them, killed, stopped and begun again under each other."""

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest

from simlab.sim.run import Run
from tests.apps.playing import Follower, has_steps, is_in_state, playing
from tests.apps.serving import served
from tests.sim.records import replayed
from tests.view.conftest import play

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The digest of the run as nobody looks on."""
    return play("car_sale", tmp_path_factory.mktemp("alone") / "run", episodes=4, seed=7).digest


def looks_on(app, run, ended):
    """Look at a run as a page does, until it has ended; how many answers there were."""
    follower = Follower(app, run)
    n_answers = 0
    while not ended.is_set():
        follower.read()
        app.get("turns", run=run, episode=0, **{"from": 0, "to": 50})
        app.get("control", run=run)
        n_answers += 3
    return n_answers


@pytest.mark.parametrize("commands", [(), ("pause", "step", "step", "resume")])
def test_sim_22_a_run_with_20_viewers_and_one_that_reads_nothing_has_the_digest_of_one_with_none(
    tmp_path, alone, commands
):
    ended = Event()
    with served([tmp_path]) as app, playing(tmp_path / "run") as process:
        follower = Follower(app, "run")
        follower.until(has_steps(2))
        with ThreadPoolExecutor(20) as viewers, app.stalled("/api/news?run=run"):
            looking = [viewers.submit(looks_on, app, "run", ended) for _ in range(20)]
            follower.until(has_steps(6))
            for kind in commands:
                assert "error" not in app.command("run", kind)
            follower.until(is_in_state("finished"))
            assert process.wait(30) == 0
            ended.set()
            answers = [each.result() for each in looking]

    assert min(answers) > 0
    assert follower.steps == sorted(follower.steps)
    assert Run(tmp_path / "run").digest == alone
    assert replayed(Run(tmp_path / "run")) == 4


def test_sim_23_a_run_that_is_spoken_in_before_20_viewers_replays_without_them(tmp_path):
    ended = Event()
    with served([tmp_path]) as app, playing(tmp_path / "run") as process:
        follower = Follower(app, "run")
        follower.until(has_steps(2))
        with ThreadPoolExecutor(20) as viewers:
            looking = [viewers.submit(looks_on, app, "run", ended) for _ in range(20)]
            app.command("run", "pause", episode=3)
            standing = until_standing(app, 3)
            said = app.command(
                "run", "say", episode=3, seat=standing["asked"][0], text="A word from outside."
            )
            app.command("run", "resume", episode=3)
            follower.until(is_in_state("finished"))
            assert process.wait(30) == 0
            ended.set()
            assert all(each.result() for each in looking)

    turns = list(Run(tmp_path / "run").episode(3).turns())
    assert said["step"] == standing["step"]
    assert turns[said["step"]].acted.edited
    assert replayed(Run(tmp_path / "run")) == 4


def until_standing(app, episode):
    """Where a paused episode stands, once it does."""
    while True:
        for status in app.get("control", run="run").get("episodes", ()):
            if status["episode"] == episode and status["stands"]:
                return status


def test_a_run_that_is_killed_is_told_as_stopped_and_seen_to_go_on_when_it_is_resumed(
    tmp_path, alone
):
    with served([tmp_path]) as app:
        follower = Follower(app, "run")
        with playing(tmp_path / "run") as process:
            follower.until(has_steps(4))
            process.send_signal(signal.SIGKILL)
            follower.until(is_in_state("stopped"))
        control = app.get("control", run="run")
        (listed,) = app.get("runs")
        with playing(tmp_path / "run", "--resume") as process:
            follower.until(is_in_state("running"))
            steering = app.command("run", "pause")
            app.command("run", "resume")
            follower.until(is_in_state("finished"))
            assert process.wait(30) == 0
        (ended,) = app.get("runs")

    assert (control["live"], listed["state"], ended["state"]) == (False, "stopped", "finished")
    assert "error" not in steering, "it is steered over a new connection"
    assert follower.states[-4:] == ["running", "stopped", "running", "finished"]
    assert follower.steps == sorted(follower.steps), "what was committed stands"
    assert Run(tmp_path / "run").digest == alone


def test_a_viewer_that_is_killed_and_begun_again_shows_no_gap(tmp_path, alone):
    with ExitStack() as stack:
        with served([tmp_path]) as app:
            process = stack.enter_context(playing(tmp_path / "run", latency_s=0.5))
            first = Follower(app, "run")
            first.until(has_steps(3))
            app.kill()
        with served([tmp_path], port=app.port) as app:
            second = Follower(app, "run")
            second.cursor, second.rows = first.cursor, dict(first.rows)
            news = second.read()
            second.until(is_in_state("finished"))
            assert process.wait(30) == 0
            whole = app.get("news", run="run")

    assert {row["episode"] for row in news["episodes"]}, "what happened meanwhile is told"
    assert list(second.rows.values()) != list(first.rows.values())
    assert {row["episode"]: row for row in whole["episodes"]} == second.rows
    assert [first.steps[-1], *second.steps] == sorted([first.steps[-1], *second.steps])
    assert Run(tmp_path / "run").digest == alone


def test_a_run_that_gives_no_answer_keeps_nobody_from_what_it_has_committed(tmp_path):
    with served([tmp_path]) as app, playing(tmp_path / "run") as process:
        follower = Follower(app, "run")
        follower.until(has_steps(5))
        process.send_signal(signal.SIGSTOP)
        with ThreadPoolExecutor(4) as others:
            waiting = [others.submit(app.get, "control", run="run") for _ in range(4)]
            turns = app.get("turns", run="run", episode=0)
            (listed,) = app.get("runs")
            process.send_signal(signal.SIGCONT)
            standings = [each.result() for each in waiting]
        follower.until(is_in_state("finished"))

    assert turns["turns"]
    assert listed["state"] == "running"
    assert all(standing["live"] for standing in standings)
