"""One score of a trajectory is made of those of its turns."""

import pytest

from simlab.env.score import Score
from simlab.sim.scoring.reward import aggregated, scores_in
from simlab.trace.events import Acted
from simlab.trace.plain import plain
from simlab.trace.trajectory import Trajectory, Turn

TURNS = [Score(4.0), Score(6.0), Score(8.0)]
MISSING = Score(None, mass=0.01)


def trajectory_of(actions, seat="preference"):
    turns = [
        Turn(step, (), {}, Acted(seat, plain(action)), 0.0, 0.0)
        for step, action in enumerate(actions)
    ]
    return Trajectory(3, seat, tuple(turns))


@pytest.mark.parametrize(("how", "value"), [("mean", 6.0), ("last", 8.0)])
def test_influence_8_the_reward_is_the_mean_of_turns_or_the_last(how, value):
    assert aggregated(scores_in(trajectory_of(TURNS)), how).value == value


@pytest.mark.parametrize(
    ("scores", "how", "missing", "value"),
    [
        ([*TURNS, MISSING], "mean", "missing", None),
        ([*TURNS, MISSING], "mean", "skip", 6.0),
        ([*TURNS, MISSING], "last", "missing", None),
        ([*TURNS, MISSING], "last", "skip", 8.0),
        ([MISSING, Score(3.0)], "last", "missing", 3.0),
        ([MISSING], "mean", "skip", None),
        ([], "mean", "missing", None),
    ],
)
def test_influence_2_turns_without_a_rating_follow_an_explicit_policy(scores, how, missing, value):
    assert aggregated(scores, how, missing=missing).value == value


def test_the_mass_is_the_least_of_the_turns_that_count():
    assert aggregated([Score(1.0, mass=0.5), Score(2.0, mass=0.9)]).mass == 0.5


def test_scores_are_read_from_what_a_seat_answered():
    scores = [Score(4.5, {"4": 0.5, "5": 0.5}, 0.8), MISSING]

    assert scores_in(trajectory_of(scores)) == scores


def test_a_seat_that_answers_with_words_is_refused():
    with pytest.raises(ValueError, match="seat 'preference' of episode 3 must answer with scores"):
        scores_in(trajectory_of(["Hi."]))


@pytest.mark.parametrize("wrong", [{"how": "median"}, {"missing": "zero"}])
def test_what_is_no_policy_is_refused(wrong):
    with pytest.raises(ValueError, match="must be one of"):
        aggregated(TURNS, **wrong)
