"""A training is told by its rounds, and by each initial state across them."""

import json
import shutil

import pytest
import yaml

from simlab.errors import RunDirectoryError
from simlab.view.trainings import TrainingView


@pytest.fixture
def training(runs, tmp_path):
    return write_training(runs, tmp_path / "training")


def write_training(runs, path):
    """What a training leaves: two rounds that were compared on the same states."""
    for number in ("000", "001"):
        folder = shutil.copytree(runs / "coach", path / "rounds" / number / "evaluate")
        record = yaml.safe_load((folder / "run.yaml").read_text())
        record["run"]["resets"] = [{"environment": "exam", "state": n} for n in ("1", "2")]
        (folder / "run.yaml").write_text(yaml.safe_dump(record))
    rating = {"mean": 3.0, "low": 2.5, "high": None}
    rows = [{"round": n, "verdict": "published", "rating": rating} for n in (0, 1)]
    (path / "table.json").write_text(json.dumps(rows))
    (path / "train.yaml").write_text(yaml.safe_dump({"format": 1, "training": {"run": {}}}))
    return path


def test_one_initial_state_is_seen_across_rounds(training):
    view = TrainingView(training)

    found = view.side_by_side("exam", "2")

    assert [(each["round"], each["phase"], each["episode"]) for each in found] == [
        (0, "evaluate", 1),
        (1, "evaluate", 1),
    ]
    assert found[0]["ratings"].keys() == {"influence", "preference"}


def test_the_overview_names_the_runs_of_each_round(training):
    runs = TrainingView(training).overview()["runs"]

    assert [run["path"] for run in runs] == ["rounds/000/evaluate", "rounds/001/evaluate"]


def test_a_run_of_a_round_that_cannot_be_read_is_told_and_the_others_are_shown(training):
    (training / "rounds" / "000" / "evaluate" / "summary.json").write_text("{")
    view = TrainingView(training)

    assert len(view.side_by_side("exam", "1")) == 1
    assert "summary.json" in view.overview()["unreadable"]["rounds/000/evaluate"]


def test_a_table_of_rounds_that_is_none_is_told_in_words(training):
    (training / "table.json").write_text("{")

    with pytest.raises(RunDirectoryError, match=r"table\.json cannot be shown"):
        TrainingView(training).rounds()
