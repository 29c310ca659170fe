"""Forms: the fields of a schema, and what is filled in as plain data."""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter
from pydantic.dataclasses import dataclass as checked_dataclass

from simlab.apps.asking import form_of_question, reply_of
from simlab.apps.fields import form_of, form_of_choices, inputs_of
from simlab.apps.filled import answer_of
from simlab.env.auction import Bid
from simlab.env.car_sale import Offer
from simlab.env.contract import WatchedWorld
from simlab.env.market_day.actions import Answer
from simlab.env.rollout import at_random, play, turn_by_turn
from simlab.env.scale import Scale
from simlab.env.spaces import fit
from simlab.errors import UnfitAnswerError
from simlab.models.answer_schema import answer_schema
from tests.env.test_worlds import WORLDS


class Colour(Enum):
    RED = "red"
    BLUE = 2


class Size(BaseModel):
    kind: Literal["size"] = "size"
    width: Annotated[float, Field(gt=0, le=10)]
    note: str = "none"


class Word(BaseModel):
    kind: Literal["word"] = "word"
    text: Annotated[str, Field(min_length=2, max_length=20)]


@dataclass
class Deep:
    size: Size
    colour: Colour
    more: Size | None = None
    either: Annotated[Size | Word, Field(discriminator="kind")] | None = None
    sizes: Annotated[list[Size], Field(max_length=3)] = ()
    names: list[str] = ()
    pair: tuple[int, bool] = (1, True)
    sure: bool | None = None


class Tree(BaseModel):
    label: str
    leaves: "list[Tree]" = []


def form(space):
    return form_of(answer_schema(space))


def kinds(made):
    return [each.kind for each in inputs_of(made)]


def test_interlab_38_what_a_person_types_equals_the_dataclass():
    made = form(Offer)

    typed = fit(Offer, answer_of(made, ["I would pay 5,500.", " $5,500 "]))

    assert typed == Offer("I would pay 5,500.", 5500)
    assert fit(Offer, answer_of(made, ["", None])) == Offer("", None)
    assert kinds(made) == ["words", "number"]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["", "60000"], "price must be a whole number from 1 to 50000, got '60000'"),
        (["", "5.5"], r"price must be a whole number from 1 to 50000, got '5\.5'"),
        (["", "cheap"], "price must be a whole number from 1 to 50000, got 'cheap'"),
        (["", "NaN"], "price must be a whole number from 1 to 50000, got 'NaN'"),
    ],
)
def test_interlab_38_bad_input_is_told_with_its_field_and_bounds(typed, message):
    with pytest.raises(UnfitAnswerError, match=message):
        answer_of(form(Offer), typed)


@pytest.mark.parametrize("typed", [None, ""])
def test_what_must_be_filled_in_is_missed(typed):
    with pytest.raises(UnfitAnswerError, match=r"amount must be a whole number .*, got nothing"):
        answer_of(form(Bid), [typed])


def test_a_long_number_keeps_its_digits():
    assert answer_of(form(int), ["90071992547409931"]) == 90071992547409931
    assert answer_of(form(float), ["-1.5e3"]) == -1500


def test_bounds_and_meaning_are_told():
    [bid] = inputs_of(form(Bid))

    assert bid.hint == "your bid in dollars; a whole number from 0 to 100000"


def test_choices_of_all_kinds_are_one_field():
    made = form(Literal["yes", "no", 3] | None)

    assert (kinds(made), made.labels) == (["choice"], ("yes", "no", "3"))
    assert [answer_of(made, [given]) for given in ("1", "2", "")] == ["no", 3, None]
    assert kinds(form(Colour)) == ["choice"]


def test_a_single_choice_is_made_already():
    assert form(Literal["only"]).usual == "0"


def test_listed_actions_are_chosen_by_their_labels():
    made = form_of_choices(["up", "down"], [{"move": 1}, {"move": -1}])

    assert answer_of(made, ["1"]) == {"move": -1}


def test_scores_are_chosen_by_their_labels():
    made = form(Scale({"no": 0.0, "yes": 1.0}).space)

    assert fit(Scale({"no": 0.0, "yes": 1.0}).space, answer_of(made, ["1"])).value == 1


def test_a_truth_is_a_box_and_one_that_may_be_empty_a_choice():
    assert kinds(form(Answer)) == ["truth"]
    assert answer_of(form(Answer), [True]) == {"accept": True}
    assert answer_of(form(bool | None), [""]) is None


def test_nested_optional_and_alternative_parts_come_together():
    made = form(Deep)
    inputs = list(inputs_of(made))
    assert [each.label for each in inputs if each.kind == "choice"][:2] == ["kind", "colour"]
    values = [each.usual for each in inputs]

    def fill(label, value, nth=0):
        values[[n for n, each in enumerate(inputs) if each.label == label][nth]] = value

    fill("width", "2.5")
    fill("colour", "1")
    fill("either", "2")
    fill("text", "hello")
    fill("names", "ann\n\n bob \n")
    fill("pair 1", "7")
    fill("pair", "1")

    answer = fit(Deep, answer_of(made, values))

    assert answer.size == Size(width=2.5)
    assert answer.colour is Colour.BLUE
    assert answer.more is None
    assert answer.either == Word(text="hello")
    assert list(answer.sizes) == []
    assert answer.names == ["ann", "bob"]
    assert answer.pair == (7, False)


def test_rows_of_a_list_that_are_left_out_are_none():
    made = form(Annotated[list[Size], Field(min_length=1, max_length=3)])
    inputs = list(inputs_of(made))
    values = [each.usual for each in inputs]
    widths = [n for n, each in enumerate(inputs) if each.label == "width"]
    values[widths[0]] = "1"
    values[widths[2]] = "3"
    chosen = [n for n, each in enumerate(inputs) if each.labels[:1] == ("leave out",)]
    values[chosen[-1]] = "1"

    assert [each["width"] for each in answer_of(made, values)] == [1, 3]


def test_lines_hold_an_item_each_and_are_counted():
    made = form(Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=12)])

    assert answer_of(made, ["1\n2"]) == [1, 2]
    with pytest.raises(UnfitAnswerError, match=r"must be a list of 1 to 12 items.*, got nothing"):
        answer_of(made, [""])
    with pytest.raises(UnfitAnswerError, match="at least 1, got '0'"):
        answer_of(made, ["0"])
    assert answer_of(form(list[Literal["a", "b"]]), ["b\na\nb"]) == ["b", "a", "b"]
    assert answer_of(form(list[bool]), ["yes\nno"]) == [True, False]
    assert answer_of(form(list[Size]), ['{"width": 2}']) == [{"width": 2}]


@pytest.mark.parametrize(
    "schema", [TypeAdapter(Tree).json_schema(), TypeAdapter(dict[str, int]).json_schema(), {}]
)
def test_what_has_no_form_is_written_as_json(schema):
    made = form_of(schema)

    assert kinds(made) == ["json"]
    assert answer_of(made, ['{"label": "a"}']) == {"label": "a"}
    with pytest.raises(UnfitAnswerError, match=r"got '\{'"):
        answer_of(made, ["{"])


def test_what_is_nested_too_deep_is_written_as_json():
    schema = {"type": "integer"}
    for _ in range(8):
        schema = {"type": "object", "properties": {"in": schema}, "required": ["in"]}

    assert kinds(form_of(schema)) == ["json"]


def test_defaults_stand_in_their_inputs():
    @checked_dataclass
    class Move:
        steps: int = 3
        way: Literal["up", "down"] = "down"
        note: str = ""

    made = form(Move)

    assert [each.usual for each in inputs_of(made)] == [3, "1", ""]
    assert answer_of(made, [None, "0", ""]) == {"way": "up"}


def test_a_model_is_answered_for_in_words_choices_or_the_json_that_fits():
    words = {"model": "small", "schema": None}
    choices = {"model": "small", "choices": ["yes", "no"]}
    schema = {"model": "small", "schema": answer_schema(Bid)}

    assert reply_of(words, answer_of(form_of_question(words), ["Hello."])) == "Hello."
    assert reply_of(choices, answer_of(form_of_question(choices), ["1"])) == "no"
    assert reply_of(schema, answer_of(form_of_question(schema), ["5"])) == '{"amount": 5}'


@cache
def asked_by(world):
    """The forms and spaces of what a bundled world asks in an episode."""
    kind, options, _ = WORLDS[world]
    recording = play(
        WatchedWorld(kind(**options)),
        1,
        None,
        rng=np.random.default_rng(1),
        policy=at_random,
        max_steps=200,
    )
    steps = [step for step, _ in turn_by_turn(WatchedWorld(kind(**options)), recording)]
    requests = [request for step in steps for request in step.requests.values()]
    return [(form(request.space), request) for request in requests if request.legal is None]


def values_of(each):
    """What may be filled in for an input."""
    empty = st.just("") if not each.must_be_filled else st.nothing()
    match each.kind:
        case "text" | "words":
            least, most = each.schema.get("minLength", 0), each.schema.get("maxLength", 30)
            return empty | st.text(min_size=least, max_size=most)
        case "number":
            whole = each.schema.get("type") == "integer"
            return empty | st.integers(1, 10).map(int if whole else float).map(str)
        case "truth":
            return st.booleans()
        case "choice":
            return empty | st.integers(0, len(each.labels) - 1).map(str)
        case "lines":
            return st.lists(st.sampled_from(["ann", "bob"])).map("\n".join)
    raise AssertionError(each)


def filled(made, data):
    return answer_of(made, [data.draw(values_of(each)) for each in inputs_of(made)])


@pytest.mark.parametrize("world", WORLDS)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_interlab_38_what_is_filled_in_fits_whatever_a_bundled_world_asks(world, data):
    made, request = data.draw(st.sampled_from(asked_by(world)))

    fit(request.space, filled(made, data))


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_interlab_38_what_is_filled_in_fits_a_space_of_many_parts(data):
    fit(Deep, filled(form(Deep), data))
