"""A person is led to an answer field by field, and asked again until each line fits."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from simlab.agents.questions import Questions
from simlab.env.car_sale import Offer
from simlab.env.spaces import fit
from simlab.models.answer_schema import answer_schema


class Address(BaseModel):
    town: str = Field(min_length=2)
    zip: Annotated[int, Field(ge=100, le=999)]


@dataclass(frozen=True)
class Party:
    host: str
    kind: Literal["indoors", "outdoors"]
    address: Address
    guests: list[str]
    budget: Annotated[float, Field(gt=0)] | None = None
    address_after: Address | None = None
    notes: dict[str, int] = field(default_factory=dict)


class Person:
    """Answers questions with lines, and keeps what it was asked and told."""

    def __init__(self, *lines):
        self.lines = list(lines)
        self.asked = []
        self.told = []

    async def ask(self, question):
        self.asked.append(question)
        return self.lines.pop(0)

    async def answer(self, space):
        questions = Questions(self.ask, self.told.append)
        return fit(space, await questions.ask_value(answer_schema(space), "answer"))


async def test_interlab_38_a_typed_reply_equals_the_dataclass():
    """InterLab puts the whole object into the first field."""
    person = Person("Hi, you.", "$7,500")

    assert await person.answer(Offer) == Offer("Hi, you.", 7500)
    assert person.asked == [
        "say (text): ",
        "price (a whole number from 1 to 50000; empty for none): ",
    ]
    assert "  price: your price in dollars; the other side's accepts it" in person.told


async def test_interlab_38_bad_input_is_asked_again_with_the_reason():
    """InterLab raises."""
    person = Person("lots", "0", "70 000", "8", "perhaps", "no")

    @dataclass(frozen=True)
    class Bid:
        amount: Annotated[int, Field(ge=1, le=9)]
        final: bool

    assert await person.answer(Bid) == Bid(8, final=False)
    assert person.told == [
        "expected amount (a whole number from 1 to 9), got 'lots'",
        "expected amount (a whole number from 1 to 9), got '0'",
        "expected amount (a whole number from 1 to 9), got '70 000'",
        "expected final (true or false), got 'perhaps'",
    ]


async def test_nested_objects_lists_and_optional_fields_are_asked_for_part_by_part():
    person = Person(
        "Ann", "OUTDOORS", "Rome", "123", "yes", "Bob", "yes", "Cy", "no", "", "no", "yes",
        '{"a": 1}',
    )  # fmt: skip

    assert await person.answer(Party) == Party(
        "Ann", "outdoors", Address(town="Rome", zip=123), ["Bob", "Cy"], notes={"a": 1}
    )
    assert person.lines == []


async def test_a_member_of_a_union_is_chosen_by_number_or_words():
    assert await Person("2", "no").answer(Address | list[int]) == []
    assert await Person("2").answer(Address | None) is None
    assert await Person("none").answer(Address | None) is None
    assert await Person("1", "Rome", "100").answer(Address | None) == Address(town="Rome", zip=100)


@pytest.mark.parametrize(
    ("space", "line", "value"),
    [
        (int, "1,200", 1200),
        (float, "-2.5", -2.5),
        (bool, "Y", True),
        (Literal["a", 7], "7", 7),
        (int | Literal["pass"], "PASS", "pass"),
        (int | None, "", None),
        (str, "", ""),
        (Annotated[int, Field(multiple_of=5)], "15", 15),
        (Annotated[str, Field(pattern="^a")], "ab", "ab"),
    ],
)
async def test_one_line_answers_what_has_no_parts(space, line, value):
    assert await Person(line).answer(space) == value


@pytest.mark.parametrize(
    ("space", "line", "then"),
    [
        (int, "1.5", "1"),
        (Annotated[int, Field(multiple_of=5)], "7", "10"),
        (Annotated[str, Field(pattern="^a")], "b", "a"),
        (Annotated[str, Field(max_length=2)], "abc", "ab"),
        (Annotated[float, Field(lt=1)], "1", "0.5"),
        (dict[str, int], "[1]", "{}"),
    ],
)
async def test_a_line_out_of_bounds_is_not_taken(space, line, then):
    person = Person(line, then)

    await person.answer(space)

    assert len(person.asked) == 2


async def test_fixed_places_of_a_list_are_asked_for_one_by_one():
    assert await Person("1", "x").answer(tuple[int, str]) == (1, "x")


async def test_a_list_ends_by_itself_at_its_greatest_length():
    space = Annotated[list[int], Field(min_length=1, max_length=2)]
    person = Person("1", "yes", "2")

    assert await person.answer(space) == [1, 2]


async def test_a_choice_is_taken_by_number_or_label_and_asked_again_otherwise():
    person = Person("0", "dan", "BOB")
    questions = Questions(person.ask, person.told.append)

    assert await questions.ask_choice(["ann", "bob"], "who") == 1
    assert person.told == [
        "  1. ann",
        "  2. bob",
        "expected who (1 to 2), got '0'",
        "expected who (1 to 2), got 'dan'",
    ]
