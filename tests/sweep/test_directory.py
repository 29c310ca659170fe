import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from simlab.errors import ConfigError, RunDirectoryError
from simlab.sweep.directory import SweepDirectory
from simlab.sweep.launch import prepare_sweep
from simlab.sweep.trial import Report, Trial
from simlab.sweep.view import SweepView
from tests.commands import refused
from tests.sweep.sweeps import write_sweep

TRIALS = [
    Trial(0, {"seed": 1}, "ended", [Report(0, 2.5)]),
    Trial(1, {"seed": 2}, "failed", [], "its process has died 4 times", 4),
]


@pytest.fixture
def directory(tmp_path):
    """The directory of a sweep that has not begun."""
    file = tmp_path / "seeds.yaml"
    file.write_text("{run: car_sale, metric: return.seller, space: {seed: [1, 2]}}")
    settings = ["run.models.all.engine=scripted"]
    return prepare_sweep(file, out=tmp_path / "out", settings=settings).directory


@pytest.fixture
def write_tiny(tmp_path):
    """Writes the file of a sweep of trainings; gives it and the folder of its weights."""

    def write():
        weights = tmp_path / "weights"
        weights.mkdir()
        (weights / "config.json").write_text("{}")
        (weights / "model.safetensors").write_bytes(b"tensors")
        return write_sweep(tmp_path, weights, rates=[1e-3]), weights

    return write


def test_trials_are_read_as_they_were_written(directory):
    assert directory.trials() == []

    directory.write_trials(TRIALS)

    assert directory.trials() == TRIALS


def test_a_table_that_is_damaged_is_told(directory):
    (directory.path / "table.json").write_text('[{"number": "one"}]')

    with pytest.raises(RunDirectoryError, match=r"table.json cannot be read: .*; restore it from"):
        directory.trials()


def test_what_is_no_sweep_or_of_a_newer_version_is_refused(directory, tmp_path):
    with pytest.raises(RunDirectoryError, match="is not a sweep"):
        SweepDirectory.open(tmp_path)
    with pytest.raises(RunDirectoryError, match=r"is not a sweep: it has no sweep.yaml"):
        prepare_sweep(tmp_path, resume=True)
    path = directory.path / "sweep.yaml"
    path.write_text(path.read_text().replace("format: 1", "format: 9"))
    with pytest.raises(RunDirectoryError, match="has format 9, this SimLab reads up to 1;"):
        SweepDirectory.open(directory.path)


def test_show_tells_of_a_sweep_that_goes(directory, simlab):
    assert "no trial has ended with a value" in simlab("show", directory.path).output
    directory.write_trials(TRIALS)

    shown = simlab("show", directory.path).output
    told = json.loads(simlab("show", directory.path, "--json").output)

    refusal = f"--digest is of a run, got the sweep {directory.path}; show one of {directory.path}"
    assert refused(simlab("show", directory.path, "--digest")) == f"{refusal}/trials/*"
    assert "trial 1 failed: its process has died 4 times" in shown
    assert "best: trial 0, return.seller 2.5: seed 1" in shown
    assert (told["best"], told["trials"][1]["deaths"], told["metric"]) == (0, 4, "return.seller")


def test_a_sweep_that_is_wrong_exits_with_2_and_one_line(tmp_path, simlab):
    file = tmp_path / "seeds.yaml"
    file.write_text("{run: car_sale, metric: return.nobody, space: {seed: [1, 2]}}")

    result = simlab("sweep", file, "--out", tmp_path / "out")

    assert result.exit_code == 2
    assert "seeds.yaml:1: metric must be one of" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("sweep", "key"),
    [("3", "sweep"), ("{name: x}", "sweep.training"), ("{run: 3}", "sweep.run")],
)
def test_a_damaged_sweep_is_told(sweep, key, tmp_path):
    (tmp_path / "sweep.yaml").write_text(f"{{format: 1, sweep: {sweep}}}")

    with pytest.raises(RunDirectoryError, match=f"must have a mapping under '{key}', got .*; rest"):
        SweepDirectory(tmp_path).read()


SCRIPTED = ["run.models.all.engine=scripted"]


def test_what_has_changed_since_is_named_by_its_key(directory, tmp_path):
    file = tmp_path / "seeds.yaml"

    with pytest.raises(ConfigError, match=r"was begun with run.episodes unset, got 3; to go on as"):
        prepare_sweep(file, out=directory.path, settings=[*SCRIPTED, "run.episodes=3"], resume=True)
    with pytest.raises(
        ConfigError, match=r"begun with space.seed \[1, 2\], got \[1, 3\]; .* sweep"
    ):
        prepare_sweep(directory.path, settings=["space.seed=[1, 3]"], resume=True)


def test_weights_that_have_changed_since_are_found(write_tiny, tmp_path):
    file, weights = write_tiny()
    out = prepare_sweep(file, out=tmp_path / "out").directory.path
    prepare_sweep(out, resume=True)
    (weights / "model.safetensors").write_bytes(b"others")

    with pytest.raises(ConfigError, match=r"was begun with weights .* put those back, or begin"):
        prepare_sweep(out, resume=True)


def test_a_users_file_that_was_edited_since_is_found(tmp_path):
    agent = tmp_path / "mine.py"
    agent.write_text("from simlab.agents.scripted import ScriptedAgent as Mine\n")
    file = tmp_path / "seeds.yaml"
    cast = f'{{"*": {{agent: "{agent}:Mine", actions: [1]}}}}'
    run = f"{{world: simlab.env.iterated_dilemma:IteratedDilemma, cast: {cast}}}"
    (tmp_path / "run.yaml").write_text(run)
    file.write_text("{run: run.yaml, metric: return.first, space: {seed: [1, 2]}}")
    out = prepare_sweep(file, out=tmp_path / "out").directory.path
    agent.write_text(agent.read_text() + "# edited\n")

    with pytest.raises(ConfigError, match=r"begun with cast.\*.agent of .*mine.py with contents"):
        prepare_sweep(out, resume=True)


def test_a_death_that_was_told_of_is_no_news_on_resuming():
    console = Console(file=io.StringIO(), width=200)
    trial = Trial(0, {}, "running", [Report(0, 1.0), Report(1, 2.0)], deaths=1)

    SweepView(console, "rating", [replace(trial)]).observer().on_trial(trial)

    assert "trial 0: round 1, rating 2" in console.file.getvalue()
    trial.deaths = 2
    SweepView(console, "rating", [replace(trial, deaths=1)]).observer().on_trial(trial)
    assert "trial 0: its process has died; another goes on" in console.file.getvalue()
