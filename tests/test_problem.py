import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, field_validator

from simlab.problem import problem


class Bet(BaseModel):
    model_config = ConfigDict(extra="forbid")

    stake: int = 1
    horses: tuple[str, ...] = ()

    @field_validator("stake")
    @classmethod
    def _is_even(cls, stake):
        if stake % 2:
            raise ValueError(f"must be even, got {stake!r}")
        return stake


def problem_of(data):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Bet).validate_python(data)
    error = caught.value.errors()[0]
    return problem(error, ("bets", "anna", *error["loc"]), Bet.model_fields)


def test_a_problem_has_its_key_what_was_expected_and_what_was_given():
    said = problem_of({"stake": "all"})

    assert said.startswith("bets.anna.stake: input should be a valid integer, ")
    assert said.endswith(", got 'all'")


def test_a_list_is_called_a_list():
    assert problem_of({"horses": "Ed"}) == "bets.anna.horses: input should be a list, got 'Ed'"


def test_an_unknown_key_is_told_with_those_near_it():
    assert problem_of({"steak": 2}) == "unknown key 'bets.anna.steak'; did you mean stake?"


def test_the_words_of_a_check_of_ones_own_are_taken_as_they_are():
    assert problem_of({"stake": 3}) == "bets.anna.stake: must be even, got 3"


def test_a_missing_key_is_named():
    error = {"type": "missing", "loc": ("stake",), "msg": "Field required", "input": {}}

    assert problem(error, ("bets", "stake")) == "key 'bets.stake' is missing"
