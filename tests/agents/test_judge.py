"""Judges rate by probabilities or by rubrics, in a seat or over a trajectory."""

import math
from dataclasses import dataclass
from typing import Literal

import pytest

from simlab.agents.agent import Agent
from simlab.agents.judge import RatingJudge, RubricJudge
from simlab.env.environment import ActionRequest, Utterance
from simlab.env.score import Score
from simlab.errors import JudgeError, ModelError, UnfitAnswerError
from simlab.models.model import ChatMessage

EVEN = {"1": math.log(0.1), "2": math.log(0.1), "3": math.log(0.2)}


@dataclass(frozen=True)
class Played:
    """A trajectory, as far as judges read it."""

    text: str
    episode: int = 4
    seat: str = "buyer"

    def transcript(self):
        return self.text


def rating(replying, logprobs, **settings):
    model = replying(logprobs=logprobs)
    return model, RatingJudge(model, question="How kind?", **{"scale": (1, 2, 3), **settings})


async def test_a_rating_is_the_expectation_over_the_labels(replying):
    _, judge = rating(replying, EVEN)

    score = await judge.score(Played("ann: Hi."))

    assert score.value == pytest.approx(0.25 * 1 + 0.25 * 2 + 0.5 * 3)
    assert score.distribution == pytest.approx({"1": 0.25, "2": 0.25, "3": 0.5})
    assert score.mass == pytest.approx(0.4)
    assert not score.is_missing
    assert score.likeliest == "3"


async def test_labels_are_scored_as_what_follows_a_begun_reply(replying):
    model, judge = rating(replying, EVEN)

    await judge.score(Played("ann: {0} Hi."))

    assert model.prompts == [
        [
            ChatMessage(
                "user",
                "Here is what happened:\nann: {0} Hi.\n\nHow kind?\nAnswer with one of: 1, 2, 3.",
            ),
            ChatMessage("assistant", "Rating:"),
        ]
    ]


@pytest.mark.parametrize(("mass", "is_missing"), [(0.049, True), (0.051, False)])
async def test_a_rating_under_the_least_mass_is_missing(replying, mass, is_missing):
    _, judge = rating(replying, {"1": math.log(mass), "2": -math.inf, "3": -math.inf})

    score = await judge.score(Played(""))

    assert score.is_missing == is_missing
    assert score.mass == pytest.approx(mass)
    assert score.distribution == {"1": 1.0, "2": 0.0, "3": 0.0}


async def test_no_mass_at_all_is_missing_without_a_distribution(replying):
    _, judge = rating(replying, dict.fromkeys(EVEN, -math.inf))

    assert await judge.score(Played("")) == Score(None, mass=0.0)


async def test_labels_may_be_words_with_values(replying):
    logprobs = {"yes": math.log(0.75), "no": math.log(0.25)}
    _, judge = rating(replying, logprobs, scale={"yes": 1, "no": -1})

    assert (await judge.score(Played(""))).value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("request_", "action"),
    [
        (ActionRequest(float), 2.25),
        (ActionRequest(Literal["1", "2", "3"]), "3"),
        (ActionRequest(int), 3),
    ],
)
async def test_in_a_seat_it_answers_in_the_space_that_is_asked_for(replying, request_, action):
    model, judge = rating(replying, EVEN)
    await judge.observe(Utterance("ann", "Hi."))

    assert isinstance(judge, Agent)
    assert await judge.act(request_) == pytest.approx(action)
    assert "ann: Hi." in model.prompts[0][0].text


async def test_in_a_seat_it_gives_a_whole_score_if_that_is_asked_for(replying):
    _, judge = rating(replying, EVEN)

    assert isinstance(await judge.act(ActionRequest(Score)), Score)


async def test_a_missing_score_is_no_number(replying):
    _, judge = rating(replying, {"1": -9.0, "2": -9.0, "3": -9.0})

    assert (await judge.act(ActionRequest(Score))).is_missing
    with pytest.raises(JudgeError, match=r"must give a value here, got none: only 0\.000 of"):
        await judge.act(ActionRequest(float))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": (1,)}, "scale must have at least two labels, got .1,."),
        ({"min_mass": 2}, "min_mass must be in .0, 1., got 2"),
    ],
)
def test_a_rating_judge_refuses_settings_that_make_no_scale(replying, settings, message):
    with pytest.raises(ValueError, match=message):
        rating(replying, EVEN, **settings)


def rubric(*replies, replying, **settings):
    model = replying(*replies)
    criteria = {"clarity": "is it clear", "warmth": "is it kind"}
    return model, RubricJudge(model, criteria=criteria, **settings)


async def test_a_rubric_gives_points_for_each_criterion_and_a_reason(replying):
    model, judge = rubric('So so.", "clarity": 4, "warmth": 1}', replying=replying)

    score = await judge.score(Played("ann: Hi."))

    assert score == Score(2.5, reason="So so.", by_criterion={"clarity": 4.0, "warmth": 1.0})
    asked, begun = model.prompts[0]
    assert "- clarity: a whole number from 1 to 5, is it clear" in asked.text
    assert begun.text == '{"reason": "'


async def test_weights_count(replying):
    reply = '", "clarity": 4, "warmth": 1}'
    _, judge = rubric(reply, replying=replying, weights={"clarity": 2})

    assert (await judge.score(Played(""))).value == 3.0


async def test_a_rubric_that_is_not_filled_in_is_a_judge_error(replying):
    model, judge = rubric("a", "b", replying=replying, attempts=2)

    with pytest.raises(
        JudgeError, match=r"judge rubric: no reply fitted in 2 attempts.* got '.*b'"
    ):
        await judge.score(Played(""))
    assert len(model.prompts) == 2


async def test_errors_of_the_model_are_passed_on(replying):
    _, judge = rubric(ModelError("down"), replying=replying)

    with pytest.raises(ModelError, match="down"):
        await judge.score(Played(""))


async def test_a_rubric_in_a_seat_judges_what_it_observed_and_remembers_no_answers(replying):
    reply = 'Ok.", "clarity": 4, "warmth": 2}'
    model, judge = rubric(reply, reply, replying=replying)
    await judge.observe("ann: Hi.")

    assert await judge.act(ActionRequest(float)) == 3.0
    await judge.act(ActionRequest(Score))
    assert model.prompts[0] == model.prompts[1]


async def test_a_value_that_the_request_has_no_room_for_is_refused(replying):
    _, judge = rubric('", "clarity": 4, "warmth": 1}', replying=replying)

    with pytest.raises(UnfitAnswerError, match="whole number"):
        await judge.act(ActionRequest(int))


async def test_marks_in_a_transcript_are_left_alone(replying):
    model, judge = rubric('", "clarity": 1, "warmth": 1}', replying=replying)

    await judge.score(Played("ann: {answer_format} {answer_format}"))

    assert "ann: {answer_format} {answer_format}" in model.prompts[0][0].text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"criteria": {}}, "at least one criterion, got none"),
        ({"criteria": {"not a name": ""}}, "named by an identifier, got 'not a name'"),
        ({"criteria": {"reason": ""}}, "got 'reason'"),
        ({"criteria": {"a": ""}, "points": (5, 1)}, "points must be the fewest and the most"),
        ({"criteria": {"a": ""}, "weights": {"b": 1}}, "positive weights of .'a',., got 'b': 1"),
        ({"criteria": {"a": ""}, "weights": {"a": 0}}, "got 'a': 0"),
    ],
)
def test_a_rubric_judge_refuses_settings_that_make_no_rubric(replying, settings, message):
    with pytest.raises(ValueError, match=message):
        RubricJudge(replying(), **settings)
