"""Runs and those who look at them, killed, stopped and begun again under each other."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Event

import pytest

from simlab.sim.run import Run
from tests.apps.playing import Follower, has_steps, is_in_state, playing
from tests.apps.serving import served
from tests.sim.records import replayed
from tests.view.conftest import play

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lives")


@pytest.fixture(scope="module")
def app(folder):
    """The app over all runs of this module, but where it is killed itself."""
    with served([folder]) as shown:
        yield shown


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


@contextmanager
def looked_at(app, run, n_viewers=20):
    """Within the block so many look at a run, and each is answered."""
    ended = Event()
    with ThreadPoolExecutor(n_viewers) as viewers:
        looking = [viewers.submit(looks_on, app, run, ended) for _ in range(n_viewers)]
        try:
            yield
        finally:
            ended.set()
    assert all(each.result() for each in looking)


@pytest.mark.parametrize("commands", [(), ("pause", "step", "step", "resume")])
def test_sim_22_a_run_with_20_viewers_and_one_that_reads_nothing_has_the_digest_of_one_with_none(
    app, folder, alone, commands
):
    name = f"viewed-{len(commands)}"
    with playing(folder / name) as process:
        follower = Follower(app, name)
        follower.until(has_steps(2))
        with looked_at(app, name), app.stalled(f"/api/news?run={name}"):
            follower.until(has_steps(6))
            for kind in commands:
                assert "error" not in app.command(name, kind)
            follower.until(is_in_state("finished"))
            assert process.wait(30) == 0

    assert follower.steps == sorted(follower.steps)
    assert Run(folder / name).digest == alone
    assert replayed(Run(folder / name)) == 4


def test_sim_23_a_run_that_is_spoken_in_before_20_viewers_replays_without_them(app, folder):
    words = {"episode": 3, "text": "A word from outside."}
    with playing(folder / "spoken") as process:
        follower = Follower(app, "spoken")
        follower.until(has_steps(2))
        with looked_at(app, "spoken"):
            assert "error" not in app.command("spoken", "pause", episode=3)
            standing = until_standing(app, "spoken", 3)
            said = app.command("spoken", "say", seat=standing["asked"][0], **words)
            app.command("spoken", "resume", episode=3)
            follower.until(is_in_state("finished"))
            assert process.wait(30) == 0

    turns = list(Run(folder / "spoken").episode(3).turns())
    assert said["step"] == standing["step"]
    assert turns[said["step"]].acted.edited
    assert replayed(Run(folder / "spoken")) == 4


def until_standing(app, run, episode, within_s=60):
    """Where a paused episode stands, once it does."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        for status in app.get("control", run=run).get("episodes", ()):
            if status["episode"] == episode and status["stands"]:
                return status
    raise AssertionError(f"episode {episode} never came to stand")


def test_a_run_that_is_killed_is_told_as_stopped_and_seen_to_go_on_when_it_is_resumed(
    app, folder, alone
):
    follower = Follower(app, "killed")
    with playing(folder / "killed") as process:
        follower.until(has_steps(4))
        process.send_signal(signal.SIGKILL)
        follower.until(is_in_state("stopped"))
    control = app.get("control", run="killed")
    listed = state_of(app, "killed")
    with playing(folder / "killed", "--resume") as process:
        follower.until(is_in_state("running"))
        steering = app.command("killed", "pause")
        app.command("killed", "resume")
        follower.until(is_in_state("finished"))
        assert process.wait(30) == 0

    assert (control["live"], listed) == (False, "stopped")
    assert state_of(app, "killed") == "finished"
    assert "error" not in steering, "it is steered over a new connection"
    assert follower.states[-4:] == ["running", "stopped", "running", "finished"]
    assert follower.steps == sorted(follower.steps), "what was committed stands"
    assert Run(folder / "killed").digest == alone


def state_of(app, run):
    """As the list of runs tells it."""
    return {row["run"]: row["state"] for row in app.get("runs")}[run]


def test_a_viewer_that_is_killed_and_begun_again_shows_no_gap(tmp_path, alone):
    with ExitStack() as stack:
        with served([tmp_path]) as app:
            process = stack.enter_context(playing(tmp_path / "run"))
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


def test_a_run_that_gives_no_answer_keeps_nobody_from_what_it_has_committed(app, folder):
    with playing(folder / "silent") as process:
        follower = Follower(app, "silent")
        follower.until(has_steps(5))
        process.send_signal(signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(4) as others:
                waiting = [others.submit(app.get, "control", run="silent") for _ in range(4)]
                turns = app.get("turns", run="silent", episode=0)
                listed = state_of(app, "silent")
                process.send_signal(signal.SIGCONT)
                standings = [each.result() for each in waiting]
        finally:
            process.send_signal(signal.SIGCONT)
        follower.until(is_in_state("finished"))

    assert turns["turns"]
    assert listed == "running"
    assert all(standing["live"] for standing in standings)
