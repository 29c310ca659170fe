"""How a model is trained."""

import pytest

from simlab.train.options import LoraOptions, TrainingOptions, decayed, undesirable_weight


def test_influence_10_undesirable_samples_weigh_so_much_that_the_sums_have_their_ratio():
    assert undesirable_weight(10, 10, 1.05) == pytest.approx(0.95238, abs=1e-5)
    assert 20 / (5 * undesirable_weight(20, 5, 1.05)) == pytest.approx(1.05)
    assert undesirable_weight(10, 0) == undesirable_weight(0, 10) == 1.0


def test_influence_10_the_learning_rate_falls_from_round_to_round():
    assert decayed(2e-5, 0.9, 10) == pytest.approx(6.974e-6, rel=1e-4)
    assert decayed(2e-5, 0.9, 0) == 2e-5


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [0.5, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("linear", [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]),
        ("cosine", [0.5, 1.0, 1.0, 0.8536, 0.5, 0.1464]),
    ],
)
def test_the_learning_rate_rises_and_then_follows_its_schedule(schedule, rates):
    options = TrainingOptions(learning_rate=1.0, schedule=schedule, warmup=1 / 3)

    assert [options.rate_at(step, 6) for step in range(6)] == pytest.approx(rates, abs=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "ppo"}, "loss must be one of .*, got 'ppo'"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
        ({"beta": float("nan")}, "beta must be above 0, got nan"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"warmup": 1.0}, r"warmup must be in \[0, 1\), got 1.0"),
        ({"schedule": "step"}, "schedule must be one of .*, got 'step'"),
        ({"anchor": "agent@1"}, "anchor must be one of .*, got 'agent@1'"),
        ({"weight_decay": -1.0}, "weight_decay must be at least 0, got -1.0"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_their_value(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingOptions(**settings)


@pytest.mark.parametrize("settings", [{"rank": 0}, {"alpha": 0}, {"dropout": 1.0}])
def test_adapters_that_cannot_be_are_refused(settings):
    with pytest.raises(ValueError, match="must be"):
        LoraOptions(**settings)
