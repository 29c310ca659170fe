"""Schemas in words: short lines with field, kind, bounds and choices."""

import datetime
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from simlab.models.answer_schema import answer_schema
from simlab.models.schema_words import choices_in_words, fields_in_words, kind_in_words


@dataclass
class Seat:
    row: Annotated[int, Field(ge=1)]
    window: bool = True


class Order(BaseModel):
    say: str = Field(description="what you say")
    seat: Seat
    mood: Literal["calm", "angry"] | None = None


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (int, "a whole number"),
        (Annotated[int, Field(ge=1, le=5)], "a whole number from 1 to 5"),
        (Annotated[float, Field(gt=0, lt=1.5)], "a number more than 0 and less than 1.5"),
        (Annotated[int, Field(gt=0, multiple_of=5)],
         "a whole number at least 1 and a multiple of 5"),
        (Annotated[int, Field(gt=0, lt=9)], "a whole number from 1 to 8"),
        (bool, "true or false"),
        (Literal["a", 1] | None, '"a" or 1 or null'),
        (str, "text"),
        (Annotated[str, Field(max_length=9)], "text of at most 9 characters"),
        (Annotated[str, Field(min_length=2, max_length=2)], "text of 2 characters"),
        (Annotated[str, Field(pattern="^a+$")], "text that matches ^a+$"),
        (datetime.date, "a date such as 2024-01-31"),
        (list[int], "a list, each a whole number"),
        (Annotated[list[bool], Field(min_length=1)],
         "a list of at least 1 items, each true or false"),
        (tuple[int, str], "a list of 2: a whole number, text"),
        (dict[str, int], "an object of names, each with a whole number"),
        (int | Literal["pass"] | None, 'a whole number or "pass" or null'),
        (Seat, "an object with row: a whole number at least 1; window: true or false"),
    ],
)  # fmt: skip
def test_each_kind_of_value_has_words(space, words):
    assert kind_in_words(answer_schema(space)) == words


def test_an_object_has_a_line_for_each_field():
    assert fields_in_words(answer_schema(Order)).splitlines() == [
        "- say: text, what you say",
        "- seat: an object with row: a whole number at least 1; window: true or false",
        '- mood: "calm" or "angry" or null (may be left out)',
    ]


def test_what_is_no_object_has_no_fields():
    assert fields_in_words(answer_schema(list[int])) == ""


def test_a_single_choice_needs_no_or():
    assert choices_in_words(["é"]) == '"é"'
