"""How far recorded log-probabilities are from those computed again."""

from dataclasses import replace

import pytest

from simlab.errors import ConfigError
from simlab.train.drift import ALARM_LEVELS, drift
from tests.train.conftest import sample_of


def recorded(*logprobs):
    sample = sample_of(len(logprobs) + 2, n_targets=len(logprobs))
    return replace(sample, logprobs=(0.0, 0.0, *logprobs))


def test_the_drift_is_the_mean_over_all_targets():
    found = drift([recorded(-1.0, -2.0, -3.0), recorded(-4.0)], [(-1.1, -2.0, -2.8), (-4.1,)])

    assert found.mean == pytest.approx(0.1)
    assert found.highest == pytest.approx(0.2)
    assert found.n_tokens == 4


def test_rounding_is_no_alarm_and_a_stale_cache_is_one():
    samples = [recorded(-1.0, -2.0)]

    assert not drift(samples, [(-1.000005, -2.000005)]).is_alarming
    assert drift(samples, [(-1.1, -2.1)]).is_alarming
    assert not drift(samples, [(-1.04, -2.0)], level=ALARM_LEVELS["bfloat16"]).is_alarming


def test_a_drift_that_is_no_number_is_an_alarm():
    assert drift([recorded(-1.0)], [(float("-inf"),)]).is_alarming


def test_targets_without_recorded_logprobs_are_left_out():
    found = drift([recorded(-1.0, float("nan"))], [(-1.5, -2.0)])

    assert (found.mean, found.n_tokens) == (0.5, 1)


@pytest.mark.parametrize("samples", [[], [recorded(float("nan"))]])
def test_nothing_to_compare_is_refused(samples):
    with pytest.raises(ConfigError, match=r"got none; play with sampling: \{logprobs: true\}"):
        drift(samples, [(-1.0,)] * len(samples))


@pytest.mark.model
def test_the_samples_of_a_run_do_not_drift_unless_another_version_scores_them(
    play, trainer, tmp_path
):
    from simlab.train.diagnostics import kl_terms
    from simlab.train.samples import samples_of
    from tests.train.conftest import options

    dataset = samples_of(play(), "ann")
    trainer.train(dataset, options(), tmp_path / "agent@1")

    base = trainer.logprobs(dataset.samples)
    trained = trainer.logprobs(dataset.samples, tmp_path / "agent@1")

    assert drift(dataset.samples, base).mean < 1e-4
    assert drift(dataset.samples, trained).is_alarming
    assert sum(map(sum, map(kl_terms, trained, base))) > 0
    assert sum(map(sum, map(kl_terms, base, base))) == 0
