"""Choices are scored as sequences of tokens, and exclude each other."""

import math

import pytest

from simlab.errors import ConfigError, ModelError
from simlab.models.choices import apart, score_choices
from simlab.models.model import Usage, spent_on

DIGITS = {"1": (7,), "10": (7, 5), "100": (7, 5, 5), "11": (7, 7), "2": (8,)}
NEXT = {(): {7: 0.6, 8: 0.3}, (7,): {5: 0.5, 7: 0.1}, (7, 5): {5: 0.2}}


async def score(ids, nexts):
    return {token: math.log(NEXT[tuple(ids[1:])][token]) for token in nexts}, Usage()


async def test_influence_4_a_label_excludes_those_that_its_tokens_begin():
    found = await score_choices([99], DIGITS, score)

    assert {choice: math.exp(part) for choice, part in found.items()} == pytest.approx(
        {"1": 0.6 - 0.3 - 0.06, "10": 0.3 - 0.06, "100": 0.06, "11": 0.06, "2": 0.3}
    )


def failing(error_at):
    """Scores of which some fail: a call has read its prompt, or has been tried twice in vain."""

    async def score(ids, nexts):
        drawn = tuple(ids[1:])
        if drawn in error_at:
            raise error_at[drawn]
        return dict.fromkeys(nexts, -1.0), Usage(1, 1, model_s=0.5, dollars=0.25)

    return score


async def test_of_several_calls_one_of_which_fails_none_is_lost_to_the_accounts():
    error = ModelError.of("no answer", Usage(model_s=2.0, attempts=2, dollars=0.125))

    with pytest.raises(ModelError, match="no answer") as caught:
        await score_choices([99], DIGITS, failing({(7,): error}))

    assert spent_on(caught.value) == Usage(1, 2, model_s=2.0, attempts=2, dollars=0.625)


async def test_of_calls_that_all_fail_no_prompt_was_read():
    errors = {drawn: ModelError.of(f"{drawn}", Usage(attempts=3)) for drawn in NEXT}

    with pytest.raises(ModelError) as caught:
        await score_choices([99], DIGITS, failing(errors))

    assert spent_on(caught.value) == Usage(attempts=7)


async def test_an_error_that_is_no_model_s_is_raised_itself():
    errors = {(): ModelError("no answer"), (7,): ConfigError("the key is not there")}

    with pytest.raises(ConfigError, match="the key"):
        await score_choices([99], DIGITS, failing(errors))


def test_choices_that_begin_no_other_keep_what_they_have():
    scores = {"1": -1.5, "10": -2.5}

    assert apart(scores, {"1": (7,), "10": (12,)}) == scores


def test_what_only_ever_goes_on_is_no_answer_by_itself():
    found = apart({"1": math.log(0.5), "10": math.log(0.5)}, {"1": (7,), "10": (7, 5)})

    assert found["1"] == -math.inf
