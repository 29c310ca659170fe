"""A panel is the mean of its members on a common scale."""

import math

import pytest

from simlab.agents.panel import Panel
from simlab.agents.rating_judge import RatingJudge
from simlab.agents.rule_judge import RuleJudge
from simlab.env.environment import ActionRequest, Utterance
from simlab.env.scale import Scale
from simlab.errors import JudgeError
from tests.agents.played import Played

TALK = Played("ann: Trust me.\nbob: No.")
TRUSTS = RuleJudge(phrases=["trust me"])
WARNS = RuleJudge(phrases=["careful"])


def rater(replying, logprobs, **settings):
    return RatingJudge(replying(logprobs=logprobs), **{"scale": (1, 2, 3), **settings})


async def test_each_member_counts_from_0_to_1_and_some_the_other_way_round(replying):
    rating = rater(replying, {" 3": math.log(0.5), " 2": math.log(0.5)}, question="How bad?")
    panel = Panel({"rating": rating, "trusts": TRUSTS, "warns": WARNS}, reversed={"warns"})

    score = await panel.score(TALK)

    assert score.by_criterion == pytest.approx({"rating": 0.75, "trusts": 0.5, "warns": 1.0})
    assert score.value == pytest.approx(0.75)
    assert score.reason == ""


async def test_without_one_of_its_members_a_panel_has_no_score(replying):
    panel = Panel({"rating": rater(replying, {}, question="How bad?"), "trusts": TRUSTS})

    score = await panel.score(TALK)

    assert score.is_missing
    assert (score.by_criterion, score.reason) == ({"trusts": 0.5}, "missing: rating")


async def test_a_quorum_says_how_many_are_enough(replying):
    members = {"rating": rater(replying, {}, question="How bad?"), "trusts": TRUSTS}

    score = await Panel(members, quorum=1).score(TALK)

    assert (score.value, score.reason) == (0.5, "missing: rating")


async def test_in_a_seat_members_are_asked_what_the_request_asks(replying):
    rating = rater(replying, {" 10": 0.0})
    panel = Panel({"rating": rating, "trusts": TRUSTS})
    await panel.observe(Utterance("ann", "Hi."))

    score = await panel.act(ActionRequest(Scale.of(range(11)).space, prompt="How bad?"))

    assert "How bad?" in rating.model.prompts[0][0].text
    assert (score.value, score.distribution) == (5.0, {"5": 1.0})


@pytest.mark.parametrize(
    ("judges", "settings", "message"),
    [
        ({}, {}, "must have at least one judge, got none"),
        ({"a": RuleJudge(measure="words")}, {}, "must be a Judge with bounds, got 'a'"),
        ({"a": object()}, {}, "must be a Judge with bounds, got 'a'"),
        ({"a": TRUSTS}, {"reversed": ["b"]}, r"judges of the panel \('a',\), got \['b'\]"),
        ({"a": TRUSTS}, {"quorum": 2}, "quorum must be from 1 to 1, got 2"),
    ],
)
def test_a_panel_of_nobody_or_of_strangers_is_refused(judges, settings, message):
    with pytest.raises(ValueError, match=message):
        Panel(judges, **settings)


async def test_a_member_that_fails_fails_the_panel_after_all_were_heard(replying):
    failing = RatingJudge(replying(logprobs={}))
    rating = rater(replying, {" 3": 0.0}, question="How bad?")

    with pytest.raises(JudgeError, match="judge 'rating' must be given a question"):
        await Panel({"a": failing, "b": rating}, quorum=1).score(TALK)
    assert len(rating.model.prompts) == 1
