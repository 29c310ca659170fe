"""A rating is made of the probabilities of labels."""

import math
from typing import Literal

import pytest

from simlab.agents.agent import Agent
from simlab.agents.rating_judge import RatingJudge
from simlab.env.environment import ActionRequest, Briefing, Utterance
from simlab.env.scale import Scale
from simlab.env.score import Score
from simlab.errors import JudgeError
from simlab.models.model import ChatMessage
from tests.agents.played import Played

EVEN = {" 1": math.log(0.1), " 2": math.log(0.1), " 3": math.log(0.2)}


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
    _, judge = rating(replying, {" 1": math.log(mass)})

    score = await judge.score(Played(""))

    assert score.is_missing == is_missing
    assert score.mass == pytest.approx(mass)
    assert score.distribution == {"1": 1.0, "2": 0.0, "3": 0.0}


async def test_no_mass_at_all_is_missing_without_a_distribution(replying):
    _, judge = rating(replying, {})

    assert await judge.score(Played("")) == Score(None, mass=0.0)


async def test_labels_may_be_words_with_values(replying):
    logprobs = {" Yes": math.log(0.75), "no": math.log(0.25)}
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
    _, judge = rating(replying, dict.fromkeys(EVEN, -9.0))

    assert (await judge.act(ActionRequest(Score))).is_missing
    with pytest.raises(JudgeError, match=r"must give a value here, got none: only 0\.000 of"):
        await judge.act(ActionRequest(float))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": (1,)}, "scale must have at least two labels, got ..1.: 1."),
        ({"min_mass": 2}, "min_mass must be in .0, 1., got 2"),
        ({"retries": 1.5}, "retries must be a whole number of at least 0, got 1.5"),
        ({"mode": "cooked"}, "mode must be one of .'raw', 'legacy_warped'., got 'cooked'"),
        ({"missing": "zero"}, "missing must be one of .*, got 'zero'"),
    ],
)
def test_a_rating_judge_refuses_settings_that_make_no_scale(replying, settings, message):
    with pytest.raises(ValueError, match=message):
        rating(replying, EVEN, **settings)


SPELT = {"7": 0.50, " 8": 0.25, "8": 0.15, "foo": 0.10}
"""The tokens of influence-1."""


async def test_influence_1_spellings_of_a_label_are_added_up(replying):
    logprobs = {token: math.log(part) for token, part in SPELT.items()}
    _, judge = rating(replying, logprobs, scale=tuple(range(1, 11)))

    score = await judge.score(Played("ann: Hi."))

    assert score.distribution["7"] == pytest.approx(0.5556, abs=1e-4)
    assert score.distribution["8"] == pytest.approx(0.4444, abs=1e-4)
    assert score.value == pytest.approx(7.4444, abs=1e-4)
    assert score.mass == pytest.approx(0.9)


async def test_influence_2_a_missing_rating_is_never_0_unless_that_is_asked_for(replying):
    _, judge = rating(replying, {"foo": 0.0})
    _, legacy = rating(replying, {"foo": 0.0}, missing="legacy_zero")

    assert (await judge.score(Played(""))).is_missing
    assert (await legacy.score(Played(""))).value == 0.0


async def test_influence_2_a_missing_rating_may_be_drawn_and_read(replying):
    model = replying(" Let me see", " it is a 2.", logprobs={})
    judge = RatingJudge(model, question="How kind?", scale=(1, 2, 3), retries=3)

    score = await judge.score(Played(""))

    assert (score.value, score.distribution, score.mass) == (2.0, {"2": 1.0}, 0.0)
    assert score.reason == "drawn: 'it is a 2.'"
    assert len(model.samplings) == 2


async def test_influence_2_a_rating_that_no_draw_gives_stays_missing(replying):
    model = replying("1 or 2", "12", logprobs={})
    judge = RatingJudge(model, question="How kind?", scale=(1, 2, 3), retries=2)

    assert (await judge.score(Played(""))).is_missing


async def test_influence_3_raw_probabilities_are_the_softmax_over_the_labels(replying):
    logits = {" 1": 2.0, " 2": 0.5, " 3": -1.0}
    total = math.log(sum(map(math.exp, logits.values())) + math.exp(1.5))
    _, judge = rating(replying, {label: logit - total for label, logit in logits.items()})

    score = await judge.score(Played(""))

    parts = {label.strip(): math.exp(logit) for label, logit in logits.items()}
    expected = {label: part / sum(parts.values()) for label, part in parts.items()}
    assert score.distribution == pytest.approx(expected, abs=1e-5)


async def test_influence_3_legacy_warped_weighs_what_sampling_filters_leave(replying):
    logprobs = {" 1": math.log(0.6), " 2": math.log(0.35), " 3": math.log(0.05)}
    _, judge = rating(replying, logprobs, mode="legacy_warped")

    score = await judge.score(Played(""))

    warm = 0.6 ** (1 / 0.6), 0.35 ** (1 / 0.6)
    assert score.distribution == pytest.approx(
        {"1": warm[0] / sum(warm), "2": warm[1] / sum(warm), "3": 0.0}, abs=1e-5
    )
    assert score.mass == pytest.approx(1.0)


async def test_influence_3_legacy_warped_refuses_what_it_cannot_know(replying):
    _, judge = rating(replying, EVEN, mode="legacy_warped")

    with pytest.raises(JudgeError, match=r"legacy_warped keeps ' .': 0\.600 of the probability"):
        await judge.score(Played(""))


async def test_the_length_penalty_is_kept_beside_the_distribution(replying):
    _, judge = rating(replying, EVEN, length_penalty=0.01)

    score = await judge.score(Played("ann: Hi.\nbob: " + "a" * 50))

    assert score.value == pytest.approx(2.25 - 0.5)
    assert score.distribution == pytest.approx({"1": 0.25, "2": 0.25, "3": 0.5})


async def test_influence_8_a_whole_trajectory_takes_one_call(replying):
    model, judge = rating(replying, EVEN)

    await judge.score(Played("\n".join(f"ann: {n}" for n in range(30))))

    assert len(model.prompts) == 1


async def test_in_a_seat_it_goes_by_the_question_and_scale_of_the_request(replying):
    truth = Scale({"yes": 1, "no": 0})
    model = replying(logprobs={" yes": math.log(0.6), " No": math.log(0.2)})
    judge = RatingJudge(model)
    await judge.observe(Briefing("You are a strict grader."))
    await judge.observe(Utterance("ann", "Hi."))
    await judge.observe(Briefing("You are a kind grader."))

    score = await judge.act(ActionRequest(truth.space, prompt="Is it kind?"))

    assert score == Score(pytest.approx(0.75), pytest.approx({"yes": 0.75, "no": 0.25}), 0.8)
    assert model.prompts[0][:2] == [
        ChatMessage("system", "You are a kind grader."),
        ChatMessage(
            "user",
            "Here is what happened:\nann: Hi.\n\nIs it kind?\nAnswer with one of: yes, no.",
        ),
    ]


async def test_a_missing_score_is_an_answer_on_a_scale(replying):
    judge = RatingJudge(replying(logprobs={}))

    score = await judge.act(ActionRequest(Scale.of([1, 2]).space, prompt="Is it kind?"))

    assert score.is_missing


@pytest.mark.parametrize("missing", ["missing", "legacy_zero"])
async def test_scores_off_the_scale_that_were_asked_for_are_taken_in_a_seat(replying, missing):
    _, judge = rating(replying, EVEN if missing == "missing" else {}, missing=missing)
    judge._length_penalty = 0.5
    await judge.observe(Utterance("ann", "What a long reply this is."))

    score = await judge.act(ActionRequest(Scale.of([1, 2, 3]).space))

    assert score.value == (2.25 - 13 if missing == "missing" else 0.0)


async def test_a_judge_without_a_question_says_so(replying):
    with pytest.raises(JudgeError, match="judge 'rating' must be given a question, got none"):
        await RatingJudge(replying(logprobs=EVEN)).score(Played(""))
