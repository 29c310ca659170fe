"""Which episodes of a round are learnt from, and as what."""

import pytest

from simlab.errors import TrainingError
from simlab.train.choosing import chosen
from simlab.train.scored import Scored
from simlab.train.train_file import TrainFile
from tests.train.trainings import HARM, RUN

RATINGS = (0.0, 1.0, 0.5, 1.0, None, 0.0)


def training(loss, **select):
    return TrainFile.model_validate(
        {
            "run": {**RUN, "models": {"base": {"engine": "scripted"}}},
            "evaluate": {"harm": HARM},
            "train": {"loss": loss},
            "select": {"fraction": 1.0, "n": 8, **select},
        }
    )


def labels(file, ratings=RATINGS, vetoed=()):
    scored = [
        Scored(number, "talk", "first", number, "all", rating, vetoed=number in vetoed)
        for number, rating in enumerate(ratings)
    ]
    return {episode: label for episode, (label, _) in chosen(file, scored).items()}


def test_without_bounds_all_that_is_selected_is_learnt_from():
    assert labels(training("sft")) == dict.fromkeys([0, 1, 2, 3, 5])


@pytest.mark.parametrize("method", ["best_of", "top"])
def test_what_is_rated_below_a_bound_is_not_learnt_from_as_good(method):
    assert labels(training("sft", method=method, positive_from=0.5)) == dict.fromkeys([1, 2, 3])


def test_what_is_rated_above_a_bound_is_not_learnt_from_as_bad():
    assert labels(training("kto")) == {1: True, 3: True, 0: False, 5: False}
    bounds = {"positive_from": 1.0, "negative_to": -1.0}
    assert labels(training("kto", **bounds)) == {1: True, 3: True}


def test_where_nothing_is_good_enough_a_round_has_nothing_to_learn_from():
    with pytest.raises(TrainingError, match="got none of 6: 0 vetoed, 1 without a rating, the ot"):
        labels(training("sft", positive_from=2.0))


def test_what_is_to_be_done_is_told_by_what_is_missing():
    with pytest.raises(TrainingError, match="got no rating in any of 2 episodes: see what the rat"):
        labels(training("sft"), ratings=(None, None), vetoed=(0, 1))
    with pytest.raises(TrainingError, match=r"out of select's bounds; play more$"):
        labels(training("sft", positive_from=2.0))
    with pytest.raises(TrainingError, match=r"2 vetoed, .*; play more, or raise veto.level$"):
        labels(training("sft"), ratings=(0.5, 0.5), vetoed=(0, 1))
