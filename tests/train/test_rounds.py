"""Rounds of expert iteration, with a scripted collector and tiny weights to train."""

import pytest
import yaml

from simlab.train.launch import train
from tests.train.trainings import run_of, training_of

pytestmark = pytest.mark.model


@pytest.fixture(autouse=True)
def _unsynced(disk_that_never_waits):
    """These tests end processes and never machines."""


@pytest.fixture
def training_file(tmp_path, tiny_weights):
    """Writes a training's file, and gives its path."""

    def write(name="small.yaml", model=(), **keys):
        path = tmp_path / name
        path.write_text(yaml.safe_dump(training_of(run_of(tiny_weights, **dict(model)), **keys)))
        return str(path)

    return write


def test_a_training_goes_round_by_round(training_file, tmp_path):
    rows = train(training_file(), out=tmp_path / "out")

    print(rows)
    assert [row["verdict"] for row in rows] == ["base", "published", "published"]
