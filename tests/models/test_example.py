"""Examples fit the schema that they are made from, and are the same each time."""

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from simlab.env.car_sale import Offer
from simlab.env.spaces import fit
from simlab.models.answer_schema import answer_schema
from simlab.models.example import example_of


class Size(Enum):
    SMALL = 1
    LARGE = 2


@dataclass(frozen=True)
class Box:
    size: Size
    labels: list[Annotated[str, Field(min_length=15)]]
    weight: Annotated[float, Field(gt=2)]
    inner: "Lid | None" = None
    notes: Mapping[str, int] = field(default_factory=dict)


class Lid(BaseModel):
    when: datetime.datetime
    id: uuid.UUID
    colours: Annotated[set[Literal["red", "blue"]], Field(min_length=2)]


@pytest.mark.parametrize(
    "space",
    [
        Box, Lid, Offer, list[Lid], Lid | Box, int | None, tuple[int, bool], bool, datetime.date,
        Annotated[int, Field(ge=3, le=3)], Annotated[int, Field(gt=10)],
        Annotated[int, Field(lt=-5)],
        Annotated[int, Field(ge=7, multiple_of=5)], Annotated[float, Field(gt=0, lt=0.1)],
        Annotated[float, Field(multiple_of=0.5, ge=2)], Annotated[str, Field(max_length=3)],
        Annotated[set[Annotated[int, Field(ge=0, le=3)]], Field(min_length=4)],
        Annotated[list[int], Field(max_length=0)],
    ],
)  # fmt: skip
def test_an_example_fits_its_space_and_is_always_the_same(space):
    """InterLab asks a model of one provider for it."""
    schema = answer_schema(space)

    example = example_of(schema)

    fit(space, example)
    assert example_of(answer_schema(space)) == example


@given(st.integers(-1000, 1000), st.integers(0, 1000), st.sampled_from(["ge", "gt"]))
def test_an_example_within_any_bounds_fits(lowest, width, lower):
    space = Annotated[int, Field(le=lowest + width + 1, **{lower: lowest})]

    fit(space, example_of(answer_schema(space)))


def test_a_fields_own_examples_come_before_its_default_and_that_before_the_middle():
    class Menu(BaseModel):
        dish: str = Field("soup", examples=["stew"])
        side: str = "bread"
        price: int = Field(ge=0, le=10)

    assert example_of(answer_schema(Menu)) == {"dish": "stew", "side": "bread", "price": 5}


def test_an_example_shows_a_value_where_null_would_do():
    assert isinstance(example_of(answer_schema(Offer))["price"], int)
