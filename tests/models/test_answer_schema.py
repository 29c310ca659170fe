"""Schemas are flat: no references, no titles of their own."""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from simlab.models.answer_schema import (
    answer_schema,
    bounded,
    choices_of,
    is_free_text,
    members_of,
    opening_brackets,
)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    x: int
    colour: Colour = Colour.RED


class Line(BaseModel):
    start: Point
    ends: list[Point]
    kind: Annotated[Colour, Field(description="of the pen")]


class Tree(BaseModel):
    children: list["Tree"] = []


@dataclass
class Grove:
    trees: list[Tree]


def test_interlab_24_references_are_replaced_by_what_they_refer_to():
    schema = answer_schema(Line)

    assert "$" not in json.dumps(schema)
    assert schema["properties"]["start"]["properties"]["x"]["type"] == "integer"
    assert choices_of(schema["properties"]["ends"]["items"]["properties"]["colour"]) == (
        "red",
        "blue",
    )
    assert schema["properties"]["kind"]["description"] == "of the pen"


def test_interlab_24_the_title_of_the_whole_is_stripped():
    assert "title" not in answer_schema(Line)


@dataclass
class Link:
    next: "Link | None" = None


@pytest.mark.parametrize("space", [Tree, Grove, list[Tree], Link, list[Link]])
def test_interlab_24_a_type_that_contains_itself_is_refused(space):
    """InterLab overflows the stack on dataclasses."""
    with pytest.raises(ValueError, match=r"one that contains itself: .*\b(\w+) -> \1\b"):
        answer_schema(space)


def test_interlab_24_what_is_no_type_is_a_type_error():
    with pytest.raises(TypeError, match=r"space must be .*, got 3"):
        answer_schema(3)


@pytest.mark.parametrize(
    ("space", "brackets"),
    [(str, ""), (int, ""), (Point, "{"), (list[int], "["), (Point | list[int] | None, "{[")],
)
def test_the_brackets_are_those_of_objects_and_lists(space, brackets):
    assert opening_brackets(answer_schema(space)) == brackets


def test_free_text_is_text_without_choices():
    assert is_free_text(answer_schema(Annotated[str, Field(max_length=9)]))
    assert not is_free_text(answer_schema(Literal["a"]))
    assert not is_free_text(answer_schema(int))


def test_members_of_nested_unions_come_in_order():
    space = Annotated[int | Literal["a"], Field()] | None

    assert [member.get("type") for member in members_of(answer_schema(space))] == [
        "integer",
        "string",
        "null",
    ]


def test_a_schema_to_hold_a_model_to_leaves_nothing_open():
    class Visit(BaseModel):
        town: Annotated[str, Field(pattern="^[A-Z]+$")]
        note: str
        long: Annotated[str, Field(min_length=50)]
        kind: Literal["day", "night"]
        stops: list[str]

    held = bounded(answer_schema(Visit), 20)

    assert held["additionalProperties"] is False
    lengths = {name: field.get("maxLength") for name, field in held["properties"].items()}
    assert lengths == {"town": None, "note": 20, "long": 50, "kind": None, "stops": None}
    assert held["properties"]["stops"]["items"] == {"type": "string", "maxLength": 20}
