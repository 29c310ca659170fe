"""Rubrics give points for criteria, with a reason."""

import pytest

from simlab.agents.rubric_judge import RubricJudge
from simlab.env.environment import ActionRequest
from simlab.env.scale import Scale
from simlab.env.score import Score
from simlab.errors import JudgeError, ModelError, UnfitAnswerError
from tests.agents.played import Played


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


async def test_on_another_scale_it_stands_as_far_up_as_on_its_own(replying):
    _, judge = rubric('Ok.", "clarity": 4, "warmth": 2}', replying=replying)
    await judge.observe("ann: Hi.")

    score = await judge.act(ActionRequest(Scale.of(range(1, 11)).space, prompt="How good?"))

    assert score.value == 1 + 9 * (3 - 1) / 4
    assert score.by_criterion == {"clarity": 4.0, "warmth": 2.0}


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
        ({"criteria": {"a": ""}, "attempts": 0}, "attempts must be at least 1, got 0"),
        ({"criteria": {"a": ""}, "weights": {"a": float("nan")}}, "got 'a': nan"),
        (
            {"criteria": {"a": ""}, "weights": {"b": 1}},
            "positive finite weights of .'a',., got 'b': 1",
        ),
        ({"criteria": {"a": ""}, "weights": {"a": 0}}, "got 'a': 0"),
    ],
)
def test_a_rubric_judge_refuses_settings_that_make_no_rubric(replying, settings, message):
    with pytest.raises(ValueError, match=message):
        RubricJudge(replying(), **settings)
