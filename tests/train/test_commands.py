"""The commands of training, as a person and a program see them."""

import json

import pandas as pd
import pytest

from tests.commands import refused

pytestmark = pytest.mark.model


@pytest.fixture(autouse=True)
def _unsynced(disk_that_never_waits):
    """These tests end processes and never machines."""


@pytest.fixture
def trained(simlab, training_file, tmp_path):
    """The directory of a training of one round, and what the command printed."""
    result = simlab("train", training_file(), "--set", "rounds=1", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    return tmp_path / "out", result.output


def test_training_tells_its_phases_and_a_table(trained):
    out, printed = trained

    order = ["round 0 of 1: trial", "on labelled cases", "round 0 of 1: evaluate"]
    assert sorted(order, key=printed.index) == order
    assert "agreement in harm: Krippendorff's alpha" in printed
    for phase in ("round 0 of 1: evaluate", "round 1 of 1: collect", "round 1 of 1: publish"):
        assert phase in printed
    assert "round 1: published, rating" in printed
    assert "on states that are held out; [..] are 95 % intervals by initial state" in printed
    assert f"plot: {out / 'plots' / 'rating.png'}" in printed


def test_show_prints_the_table_of_a_training(trained, simlab):
    out, printed = trained

    shown = simlab("show", out)

    assert shown.exit_code == 0, shown.output
    assert shown.output.strip() in printed
    assert "on labelled cases" in shown.output
    told = json.loads(simlab("show", out, "--json").output)
    assert told["rounds"] == json.loads((out / "table.json").read_text())
    for option in ("--digest", "--episode=0", "--step=0"):
        message = refused(simlab("show", out, option))
        name = option.partition("=")[0]
        assert (
            message == f"{name} is of a run, got the training {out}; show one of {out}/rounds/*/*"
        )
    assert [path.rpartition("/")[2] for path in told["plots"]] == [
        "harm.png",
        "harm_gap.png",
        "kl.png",
        "rating.png",
        "rating_gap.png",
        "veto_rate.png",
    ]


def test_plots_are_png_and_the_table_is_there_for_pandas(trained):
    out, _ = trained

    for path in (out / "plots").iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 5000
    frame = pd.read_parquet(out / "table.parquet")
    rows = json.loads((out / "table.json").read_text())
    assert [*frame["verdict"]] == ["base", "published"]
    assert [*frame["rating_mean"]] == [row["rating"]["mean"] for row in rows]


def test_a_training_may_be_gone_on_with_by_its_directory(trained, simlab):
    out, _ = trained

    result = simlab("train", out, "--resume", "--set", "rounds=2", "--json")

    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [row["verdict"] for row in told["rounds"]] == ["base", "published", "published"]


def test_bad_input_exits_with_2_and_makes_nothing(simlab, training_file, tmp_path):
    result = simlab("train", training_file(), "--set", "rating.seat=me", "--out", tmp_path / "o")

    assert result.exit_code == 2
    assert "rating.seat: the run has no seat 'me'" in result.stderr
    assert not (tmp_path / "o").exists()


def test_a_round_without_anything_to_learn_exits_with_1(simlab, training_file, tmp_path):
    file = training_file(model={"mute": True})

    result = simlab("train", file, "--out", tmp_path / "out")

    assert result.exit_code == 1
    assert "a round must have episodes to learn from, got no rating in any of 12" in result.stderr
    assert "missing" in simlab("show", tmp_path / "out").output
