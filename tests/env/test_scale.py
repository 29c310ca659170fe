"""A scale's space takes scores, labels and values, and asks for a label."""

import pickle
from typing import Annotated

import numpy as np
import pytest
from pydantic import Field

from simlab.agents.questions import Questions
from simlab.env.environment import ActionRequest
from simlab.env.scale import Scale, scale_of
from simlab.env.score import Score
from simlab.env.spaces import admit, fit, is_legal, is_space, json_schema, plain_data, sample
from simlab.errors import UnfitAnswerError
from simlab.models.answer_form import answer_form
from simlab.models.answer_schema import answer_schema
from simlab.trace.plain import plain

STARS = Scale.of(range(1, 4))
TRUTH = Scale({"yes": 1, "no": 0})


@pytest.mark.parametrize("answer", ["2", 2, 2.0, " 2. ", np.float64(2), np.int64(2)], ids=repr)
def test_a_label_or_its_value_is_the_score_that_has_it_for_certain(answer):
    assert fit(STARS.space, answer) == Score(2.0, {"2": 1.0})


def test_labels_may_be_words_in_any_case():
    assert admit(ActionRequest(TRUTH.space), "Yes!") == Score(1.0, {"yes": 1.0})


@pytest.mark.parametrize(
    "score",
    [
        Score(2.5, {"2": 0.5, "3": 0.5}, 0.9, "so so"),
        Score(None, mass=0.01),
        Score(None, {"1": 1.0, "2": 0.0, "3": 0.0}, 0.01),
        Score(1.75, reason="a rubric", by_criterion={"care": 1.75}),
    ],
    ids=repr,
)
def test_a_score_on_the_scale_is_taken_as_it_is_and_survives_plain_data(score):
    assert fit(STARS.space, score) is score
    assert fit(STARS.space, plain_data(score)) == score
    assert fit(STARS.space, plain(score)) == score


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("4", r"must be '1', '2' or '3', got '4'"),
        (1.5, r"must be '1', '2' or '3', got 1\.5"),
        (True, "must be '1', '2' or '3', got True"),
        (None, "must be '1', '2' or '3', got None"),
        ([1], "must be '1', '2' or '3', got .1."),
        (Score(1.0, {"yes": 1.0}), "must be '1', '2' or '3', got Score"),
        (Score(1.0, {"1": 0.5}), "probabilities of a score must be positive and sum to 1"),
        (Score(1.0, {"1": 1.5, "2": -0.5}), "probabilities of a score must be positive"),
        (Score(1.0, {"1": float("nan")}), "probabilities of a score must be positive"),
        (Score(float("nan")), "value of a score must be finite"),
        (Score(7.0), "a score without labels must be from 1 to 3"),
        ({"value": "much"}, "value must be a number"),
    ],
    ids=repr,
)
def test_what_is_not_on_the_scale_is_refused_with_the_reason(answer, reason):
    with pytest.raises(UnfitAnswerError, match=reason):
        fit(STARS.space, answer)


def test_it_asks_for_one_of_its_labels():
    assert json_schema(TRUTH.space) == {"type": "string", "enum": ["yes", "no"]}
    assert answer_schema(TRUTH.space) == {"type": "string", "enum": ["yes", "no"]}
    assert answer_form(TRUTH.space).words == 'Answer with "yes" or "no".'


def test_a_reply_in_words_is_read_as_a_score():
    request = ActionRequest(TRUTH.space, prompt="Is it kind?")

    assert answer_form(TRUTH.space).read('"No"', request) == Score(0.0, {"no": 1.0})


async def test_a_person_answers_with_a_label():
    lines = iter(["maybe", "yes"])
    told = []

    async def ask(_question):
        return next(lines)

    asked = Questions(ask, told.append)
    answer = await asked.ask_value(answer_schema(TRUTH.space), "kind")

    assert fit(TRUTH.space, answer) == Score(1.0, {"yes": 1.0})
    assert "got 'maybe'" in told[0]


def test_what_is_drawn_is_a_label_for_certain():
    rng = np.random.default_rng(0)

    drawn = {sample(STARS.space, rng).likeliest for _ in range(30)}

    assert drawn == {"1", "2", "3"}


def test_its_space_is_found_again_and_is_the_same_each_time():
    assert is_space(STARS.space)
    assert STARS.space is Scale({"1": 1, "2": 2, "3": 3}).space
    assert scale_of(STARS.space) == STARS
    assert is_legal(ActionRequest(STARS.space), 3)


@pytest.mark.parametrize("space", [Score, float, str, Annotated[float, Field(ge=0)], {"a": 1}])
def test_other_spaces_have_no_scale(space):
    assert scale_of(space) is None


def test_the_expectation_weighs_values_by_probability():
    assert STARS.expectation({"1": 0.25, "3": 0.75}) == 2.5
    assert STARS.bounds == (1.0, 3.0)
    assert STARS.labels == ("1", "2", "3")


def test_it_travels():
    assert pickle.loads(pickle.dumps(STARS)) == STARS


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"1": 1}, "at least two labels, got .'1': 1."),
        ({"a": 1, "b": float("nan")}, "each label a finite value, .*got 'b': nan"),
        ({" ": 1, "b": 2}, "each label a finite value, .*got ' ': 1"),
        ({"a": None, "b": 1}, "each label a finite value, such as .*, got 'a': None"),
        ({"a": True, "b": 0}, "each label a finite value, .*got 'a': True"),
        ({False: 0, True: 1}, "a label must be text: quote 'yes' and 'no', got False: 0"),
        ({"a": 1, "b": 1}, "at least two different values, got .'a': 1, 'b': 1."),
    ],
)
def test_a_scale_without_labels_or_values_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Scale(values)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([1, 1, 2], r"scale must have each label once, got \['1', '1', '2'\]"),
        (["good", "bad"], "numbers that are a scale must be finite; give labels .*, got 'good'"),
        ([[1], [2]], r"numbers that are a scale must be finite; .*, got \[1\]"),
    ],
)
def test_numbers_that_are_no_scale_are_refused(numbers, message):
    with pytest.raises(ValueError, match=message):
        Scale.of(numbers)
