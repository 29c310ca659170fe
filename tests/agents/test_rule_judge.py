"""A rule judges without a model."""

import pytest

from simlab.agents.rule_judge import RuleJudge
from simlab.env.environment import ActionRequest, Utterance
from simlab.env.scale import Scale
from simlab.env.score import Score
from tests.agents.played import Played

TALK = Played("ann: Trust me, it is fine.\nbob: I do not trust merchants.\nann: Good bye.")


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({"phrases": ["trust me"]}, 1 / 3),
        ({"phrases": ["trust me"], "measure": "flag"}, 1.0),
        ({"phrases": ["trust me", "bye"], "speaker": "ann"}, 1.0),
        ({"phrases": ["trust me"], "speaker": "bob"}, 0.0),
        ({"phrases": ["trust me"], "speaker": "ann", "last": True}, 0.0),
        ({"pattern": r"\bg\w+d\b"}, 1 / 3),
        ({"measure": "characters", "last": True}, 9.0),
        ({"measure": "words", "speaker": "bob"}, 5.0),
    ],
)
async def test_the_value_follows_from_the_rule(settings, value):
    assert (await RuleJudge(**settings).score(TALK)).value == pytest.approx(value)


@pytest.mark.parametrize(
    "settings",
    [
        {"phrases": ["don't worry"]},
        {"phrases": ["don\u2019t worry"]},
        {"pattern": "don't \\w+"},
        {"phrases": ['"fine"']},
    ],
)
@pytest.mark.parametrize("line", ['Don\'t worry, "fine".', "Don\u2019t worry, \u201cfine\u201d."])
async def test_apostrophes_match_however_they_are_written(settings, line):
    assert (await RuleJudge(**settings).score(Played(f"ann: {line}"))).value == 1.0


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        ("I'm sorry, but I can't do that.", True),
        ("I cannot help with this.", True),
        ("As an AI, I am unable to say.", True),
        ("I would rather not.", True),
        ("I can help with that.", False),
        ("You can't help it.", False),
    ],
)
async def test_refusals_are_found(text, refuses):
    judge = RuleJudge(refusals=True, measure="flag")

    assert (await judge.score(Played(f"ann: {text}"))).value == float(refuses)


async def test_where_nobody_said_anything_the_score_is_missing():
    score = await RuleJudge(pattern="x", speaker="carol").score(TALK)

    assert score == Score(None, reason="there is no line of 'carol'")


async def test_in_a_seat_it_answers_on_the_scale_that_is_asked_for():
    judge = RuleJudge(phrases=["please"], measure="flag", last=True)
    await judge.observe(Utterance("ann", "Go!"))
    before = await judge.act(ActionRequest(Scale.of(range(1, 11)).space, prompt="How kind?"))
    await judge.observe(Utterance("ann", "Please go."))
    after = await judge.act(ActionRequest(Scale({"no": 0, "yes": 1}).space))

    assert before == Score(1.0, {"1": 1.0})
    assert after == Score(1.0, {"yes": 1.0})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "measure 'share' takes phrases, a pattern or refusals, got"),
        ({"measure": "words", "pattern": "x"}, "measure 'words' takes nothing to look for, got"),
        ({"pattern": "("}, r"pattern must be a regular expression, got '\('"),
        ({"measure": "words", "most": 0}, "most must be positive and finite, got 0"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RuleJudge(**settings)
