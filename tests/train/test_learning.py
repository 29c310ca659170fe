"""Expert iteration on toys whose best policies are known: say a marked phrase in each reply.

``python -m benchmarks.learning`` plays all of them on the embedded weights.
"""

import pytest

from simlab.sim.run import Run
from simlab.train.launch import train

pytestmark = pytest.mark.model

LETTERS = "[eknt]"
"""What tiny random weights are to say, and do in about every sixth reply by themselves."""


@pytest.fixture(autouse=True)
def _unsynced(disk_that_never_waits):
    """These tests end processes and never machines."""


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("loss", ["sft", "kto"])
def test_train_18_the_score_improves_against_a_fixed_baseline(tiny_weights, tmp_path, loss, seed):
    rule = {"agent": "rule", "speaker": "assistant", "measure": "flag", "pattern": LETTERS}
    settings = {
        "run.models.small": {"engine": "transformers", "weights": str(tiny_weights)},
        "run.judges.glad": rule,
        "run.cast.*.sampling": {"max_tokens": 4, "temperature": 1.0},
        "evaluate.rollouts": 4,
        "trainer.threads": 1,
        "train.loss": loss,
        "train.learning_rate": 1e-2,
        "train.epochs": 6,
    }
    if loss == "kto":
        settings["select"] = {"fraction": 0.25, "level": "subenv"}
        settings["select.positive_from"], settings["select.negative_to"] = 1.0, 0.0
    given = [f"{key}={value}" for key, value in settings.items()]

    rows = train("marked_phrase", out=tmp_path / "out", seed=seed, settings=given)

    assert rows[0]["rating"]["mean"] < 0.3
    assert rows[-1]["rating_against_base"]["low"] > 0


def test_train_18_the_embedded_weights_come_near_the_best_there_is(tmp_path):
    settings = ["rounds=1", "train.epochs=6", "evaluate.rollouts=4"]

    rows = train("flagged_phrase", out=tmp_path / "out", settings=settings)

    base, last = (
        Run(tmp_path / "out" / "rounds" / number / "evaluate").summary for number in ("000", "001")
    )
    assert 0.05 < share(base, "glad") < 0.25
    assert share(last, "glad") >= 0.9
    assert share(last, "sorry") <= share(base, "sorry") + 0.05
    assert rows[-1]["harm"]["mean"] == share(last, "sorry")


def share(summary, phrase):
    """The share of a run's replies that a rule found a phrase in."""
    found = [episode.scores[phrase] for episode in summary.episodes]
    return sum(found) / len(found)
