"""Sweeps by Ray Tune, with a scripted collector and tiny weights that are trained."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from simlab.sim.launch import run
from simlab.sim.run import Run
from simlab.sweep.launch import prepare_sweep, sweep
from simlab.sweep.observer import SweepObserver
from simlab.sweep.trial import best_of
from simlab.train.launch import prepare_training, train
from tests.sweep.sweeps import told, write_sweep

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session", "disk_that_never_waits")]

ASHA = {"name": "asha", "grace": 1, "factor": 2}
TWO = {"rates": [3e-3, 6e-3]}


@pytest.fixture(scope="module", autouse=True)
def _serve_ends(ray_session):  # noqa: ARG001
    """Leaves no Serve behind for other tests."""
    yield
    from ray import serve

    serve.shutdown()


class TrainerWatch:
    """Asks the trainer of a sweep what it has done.

    Attributes:
        seen: What it has told, in order.
    """

    def __init__(self):
        self.handle = None
        self.seen = []

    def look(self, _trial=None):
        import ray

        self.seen.append(ray.get(self.handle.statistics.remote()))
        return self.seen[-1]


@pytest.fixture
def trainer(monkeypatch):
    """Watches the trainer of the test's sweep."""
    from simlab.sweep import trials_at_once

    start, watch = trials_at_once.start_trainer, TrainerWatch()

    def watched(**claim):
        watch.handle = start(**claim)
        return watch.handle

    monkeypatch.setattr(trials_at_once, "start_trainer", watched)
    return watch


def outcome(out):
    """What the trials of a sweep came to: their versions, and their tables without seconds."""
    versions = {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.glob("trials/*/agent@*/*")
        if path.is_file()
    }
    tables = [
        [{key: row[key] for key in row if not key.endswith("_s")} for row in json.loads(text)]
        for text in (path.read_text() for path in sorted(out.glob("trials/*/table.json")))
    ]
    return versions, tables


def calls(folder):
    return Counter((folder / "calls.jsonl").read_text().splitlines())


def two_trials(folder, weights, **keys):
    """The file of a sweep whose model notes its calls, and which plays one episode at a time."""
    log = {"calls_log": str(folder / "calls.jsonl")}
    return write_sweep(folder, weights, model=log, **{**TWO, **keys})


@pytest.fixture(scope="module")
def unbroken(ray_session, tiny_weights, tmp_path_factory):  # noqa: ARG001
    """A sweep of two trials that nobody disturbs: its folder, and its trials."""
    folder = tmp_path_factory.mktemp("unbroken")
    return folder, sweep(two_trials(folder, tiny_weights), out=folder / "out")


class Killer:
    """Kills processes, ``kill -9``, when trials tell of their first round of training.

    Args:
        victims: Gives the id of one, by the number of the trial.

    Attributes:
        killed: Ids of those that were killed, by the number of the trial.
    """

    def __init__(self, victims):
        self.victims = victims
        self.killed = {}

    def on_trial(self, trial):
        if trial.number not in self.killed and trial.reports[-1].round == 1:
            self.killed[trial.number] = self.victims[trial.number]()
            os.kill(self.killed[trial.number], signal.SIGKILL)


def test_train_21_trials_share_one_load_of_weights_and_the_worst_are_stopped_or_fail_alone(
    sweep_file, tmp_path, trainer, simlab
):
    opened = tmp_path / "opened"
    model = {"opened_log": str(opened)}
    file = sweep_file(rates=[3e-3, 6e-3, 1e-3, 1e30, 5e-3], scheduler=ASHA, at_once=2, model=model)

    trials = sweep(file, out=tmp_path / "out", observer=SweepObserver(on_trial=trainer.look))

    assert len(opened.read_text().split()) == 1, "processes that have opened an engine"
    assert {seen.loads for seen in trainer.seen} == {0, 1}
    states = {trial.point["train.learning_rate"]: trial.state for trial in trials}
    assert states[1e-3] == "stopped", "it comes after two that are better"
    assert states[6e-3] == "ended"
    assert states[1e30] == "failed"
    assert "must be finite, got nan" in trials[3].why
    stopped = tmp_path / "out" / "trials" / "002"
    assert [row["round"] for row in json.loads((stopped / "table.json").read_text())] == [0, 1]
    assert prepare_training(stopped, resume=True).file.rounds == 2
    best = best_of(trials, "max")
    assert best.point == {"train.learning_rate": 6e-3}
    assert [report.value for report in best.reports] == [1, 6, 6]
    frame = pd.read_parquet(tmp_path / "out" / "table.parquet")
    assert len(frame) == sum(len(trial.reports) for trial in trials)
    shown = simlab("show", tmp_path / "out").output
    assert "best: trial 1, length 6: train.learning_rate 0.006" in shown
    assert shown.count("stopped") == sum(trial.state == "stopped" for trial in trials)
    as_json = json.loads(simlab("show", tmp_path / "out", "--json").output)
    assert [trial["state"] for trial in as_json["trials"]] == [trial.state for trial in trials]
    assert as_json["best"] == 1
    again = train(tmp_path / "out" / "best.yaml", out=tmp_path / "again")
    assert [row["length"]["mean"] for row in again] == [1, 6, 6]


def test_train_21_a_trial_and_then_the_trainer_are_killed_and_the_sweep_ends_the_same(
    unbroken, tiny_weights, tmp_path, trainer
):
    folder, whole = unbroken
    out = tmp_path / "out"
    of_trial = out / "trials" / "000" / "lock"
    killer = Killer({0: lambda: int(of_trial.read_text()), 1: lambda: trainer.look().pid})

    def on_trial(trial):
        killer.on_trial(trial)
        if trial.state == "ended":
            trainer.look()

    trials = sweep(two_trials(tmp_path, tiny_weights), out=out, observer=SweepObserver(on_trial))

    before, at_kill, after = trainer.seen
    assert [trial.deaths for trial in trials] == [1, 0]
    assert killer.killed[1] == before.pid == at_kill.pid != after.pid
    assert after.jobs == 1, "of the last round, done anew by the trainer that came instead"
    assert told(trials) == told(whole)
    assert outcome(out) == outcome(folder / "out")
    assert calls(tmp_path) == calls(folder), "no call is made twice"


def sweeping(*arguments):
    """The process of a command that starts a Ray of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    return subprocess.Popen(
        [sys.executable, "-m", "simlab.cli", "sweep", *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_sweep_whose_driver_is_stopped_and_then_killed_ends_the_same_and_asks_nothing_twice(
    unbroken, tiny_weights, tmp_path
):
    folder, whole = unbroken
    out = tmp_path / "out"

    with sweeping(two_trials(tmp_path, tiny_weights), "--out", out) as driver:
        for line in driver.stdout:
            if "trial 0: round 0" in line:
                driver.send_signal(signal.SIGINT)
        words = driver.stderr.read()
    stopped = prepare_sweep(out, resume=True).directory.trials()
    with sweeping(out, "--resume") as again:
        for line in again.stdout:
            if "trial 1: round 0" in line:
                again.kill()
    killed = prepare_sweep(out, resume=True).directory.trials()
    trials = sweep(out, resume=True)

    assert driver.returncode == 2
    assert f"stopped; go on with: simlab sweep {out} --resume" in words
    assert "Traceback" not in words
    assert stopped[0].state != "ended"
    assert [trial.state for trial in killed] == ["ended", "running"]
    assert told(trials) == told(whole)
    assert outcome(out) == outcome(folder / "out")
    assert not calls(folder) - calls(tmp_path)
    twice = calls(tmp_path) - calls(folder)
    assert twice.total() <= 16, "calls of steps that were cut off"
    assert sweep(out, resume=True) == trials


def test_sim_15_what_the_cluster_does_not_have_is_told_before_a_trial_begins(sweep_file, simlab):
    file = sweep_file(model={"replicas": 2, "num_cpus": 500.0})

    result = simlab("sweep", file, "--out", file.parent / "out")

    assert result.exit_code == 2
    assert "the sweep needs 1000 CPU (models.base: 2 x 500 CPU), and the cluster" in result.stderr
    assert not (file.parent / "out" / "table.json").exists()


def test_trials_take_no_cores_from_others_and_wait_for_none(tmp_path, ray_session):
    n_cores = ray_session.cluster_resources()["CPU"]
    taken = ray_session.remote(num_cpus=n_cores)(_Idle).remote()
    ray_session.get(taken.ready.remote())
    file = tmp_path / "seeds.yaml"
    file.write_text("{run: car_sale, metric: return.seller, at_once: 2, space: {seed: [1, 2]}}")

    trials = sweep(file, out=tmp_path / "out", settings=["run.models.all.engine=scripted"])

    ray_session.kill(taken)
    assert [trial.state for trial in trials] == ["ended", "ended"]
    best = best_of(trials, "max")
    again = run(tmp_path / "out" / "best.yaml", out=tmp_path / "again", hosts=0)
    assert again.digest == Run(tmp_path / "out" / "trials" / f"00{best.number}").digest


class _Idle:
    def ready(self):
        pass
