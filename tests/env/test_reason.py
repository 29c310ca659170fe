from typing import Literal

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError, field_validator

from simlab.env.reason import reason_of


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str
    age: int

    @field_validator("age")
    @classmethod
    def known(cls, age):
        if age > 30:
            raise ValueError("no dog is so old")
        return age


def reason(space, data, fields=()):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(space).validate_python(data)
    return reason_of(caught.value.errors(include_url=False), data, fields)


def test_a_union_is_explained_by_the_member_that_data_comes_closest_to():
    assert reason(Cat | Dog, {"kind": "dog", "name": "Rex", "age": "old"}) == (
        "age must be a whole number, got 'old'"
    )


def test_a_union_inside_an_object_names_the_field_and_not_the_member():
    assert reason(dict[str, int | list[int]], {"a": ["x"]}) == "a.0 must be a whole number, got 'x'"


def test_what_a_validator_says_is_told():
    told = reason(Dog, {"kind": "dog", "name": "Rex", "age": 31})

    assert told == "age is wrong: no dog is so old, got 31"


def test_an_error_without_words_of_its_own_is_told_in_pydantics():
    assert reason(bytes, 3).startswith("the answer is wrong: Input should be a valid bytes, got 3")


def test_a_long_input_is_cut():
    assert len(reason(int, "x" * 1000)) < 140


def test_no_input_is_shown_for_what_is_missing():
    assert reason(Cat, {"kind": "cat"}) == "lives is missing"
