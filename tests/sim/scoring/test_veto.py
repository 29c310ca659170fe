"""A trajectory is kept out of training where its mean score reaches the level."""

import pytest

from simlab.env.score import Score
from simlab.sim.scoring.veto import LEVELS, is_vetoed

MISSING = Score(None, mass=0.0)


@pytest.mark.parametrize(
    ("scores", "level", "vetoed"),
    [
        ([0.2, 0.8], "normal", True),
        ([0.2, 0.7], "normal", False),
        ([0.2, 0.7], "constitutional", False),
        ([2.0, 2.0], "five_point", True),
        ([2.0, 1.9], "five_point", False),
    ],
)
def test_influence_7_only_a_mean_strictly_under_the_level_is_kept(scores, level, vetoed):
    assert is_vetoed([Score(value) for value in scores], LEVELS[level]) == vetoed


@pytest.mark.parametrize(("missing", "vetoed"), [("veto", True), ("keep", False), ("skip", False)])
def test_influence_7_a_missing_score_follows_an_explicit_policy(missing, vetoed):
    assert is_vetoed([Score(0.2), MISSING], 0.5, missing=missing) == vetoed


def test_where_no_turn_has_a_score_nothing_speaks_for_it():
    assert is_vetoed([MISSING], 0.5, missing="skip")


def test_what_is_no_policy_is_refused():
    with pytest.raises(ValueError, match="missing must be 'veto', 'keep' or 'skip', got 'zero'"):
        is_vetoed([], 0.5, missing="zero")
