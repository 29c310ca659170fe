"""Choices are scored as sequences of tokens, and exclude each other."""

import math

import pytest

from simlab.models.choices import apart, score_choices
from simlab.models.model import Usage

DIGITS = {"1": (7,), "10": (7, 5), "100": (7, 5, 5), "11": (7, 7), "2": (8,)}
NEXT = {(): {7: 0.6, 8: 0.3}, (7,): {5: 0.5, 7: 0.1}, (7, 5): {5: 0.2}}


async def score(ids, nexts):
    return {token: math.log(NEXT[tuple(ids[1:])][token]) for token in nexts}, Usage()


async def test_influence_4_a_label_excludes_those_that_its_tokens_begin():
    found = await score_choices([99], DIGITS, score)

    assert {choice: math.exp(part) for choice, part in found.items()} == pytest.approx(
        {"1": 0.6 - 0.3 - 0.06, "10": 0.3 - 0.06, "100": 0.06, "11": 0.06, "2": 0.3}
    )


def test_choices_that_begin_no_other_keep_what_they_have():
    scores = {"1": -1.5, "10": -2.5}

    assert apart(scores, {"1": (7,), "10": (12,)}) == scores


def test_what_only_ever_goes_on_is_no_answer_by_itself():
    found = apart({"1": math.log(0.5), "10": math.log(0.5)}, {"1": (7,), "10": (7, 5)})

    assert found["1"] == -math.inf
