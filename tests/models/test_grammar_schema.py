import re
from typing import Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from simlab.errors import ModelError
from simlab.models.grammar_schema import grammar_schema

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def thing(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        {},
        TEXT,
        {"type": ["number", "null"], "minimum": 0, "exclusiveMaximum": 1},
        {"type": "boolean"},
        {"enum": ["yes", 3, None]},
        {"const": {"a": [1]}},
        {"type": "array", "items": NUMBER, "minItems": 1, "maxItems": 3},
        {"type": "array", "prefixItems": [TEXT, NUMBER], "items": False},
        {"type": "object", "additionalProperties": NUMBER, "maxProperties": 2},
        {**thing(a=NUMBER, b=TEXT), "required": ["b"], "minProperties": 1},
        thing(a=True, b={}),
        {"anyOf": [TEXT, {"type": "null"}]},
        {"allOf": [thing(a=NUMBER)]},
        {"$ref": "#/$defs/A", "$defs": {"A": thing(next={"$ref": "#/$defs/A"})}},
        {"$ref": "#/definitions/A", "definitions": {"A": NUMBER}},
        {"type": "string", "format": "email"},
        {"type": "string", "pattern": r"^[A-Z]{2}-\d+(?:\.\d\d)?$"},
    ],
    ids=str,
)
def test_what_a_grammar_holds_is_left_as_it_is(schema):
    assert grammar_schema(schema) == schema


def test_notes_are_left_out():
    noted = {**TEXT, "title": "T", "description": "D", "default": "x", "examples": ["y"]}

    assert grammar_schema(thing(a=noted)) == thing(a=TEXT)


def test_a_name_of_a_property_is_no_keyword():
    assert grammar_schema(thing(title=TEXT, default=NUMBER)) == thing(title=TEXT, default=NUMBER)


def test_an_enum_beside_its_type_needs_the_type_no_more():
    assert grammar_schema({"type": ["string", "null"], "enum": ["a", None]}) == {
        "enum": ["a", None]
    }


@pytest.mark.parametrize(
    ("bounds", "times"),
    [
        ({"minLength": 2}, "{2,}"),
        ({"maxLength": 5}, "{0,5}"),
        ({"minLength": 2, "maxLength": 5}, "{2,5}"),
    ],
)
def test_a_string_of_bounded_length_has_letters_alone_that_need_no_escape(bounds, times):
    held = grammar_schema({**TEXT, **bounds})

    assert held.keys() == {"type", "pattern"}
    assert held["pattern"].endswith(f"]{times}$")
    letter = re.compile(held["pattern"].removeprefix("^").removesuffix(f"{times}$"))
    assert not any(map(letter.fullmatch, '"\\\n\x00\x1f\ud800'))
    assert all(map(letter.fullmatch, " !#[]~ß€\U0010ffff"))


@pytest.mark.parametrize(
    ("members", "are_apart"),
    [
        ([TEXT, NUMBER], True),
        ([NUMBER, {"type": "number"}], False),
        ([{"const": "a"}, {"enum": ["b", "c"]}], True),
        ([{"const": 1}, {"const": True}], True),
        ([{"const": "a"}, {"enum": ["a", "b"]}], False),
        ([thing(kind={"const": "a"}), thing(kind={"const": "b"}, n=NUMBER)], True),
        ([thing(kind={"const": "a"}), thing(n=NUMBER)], False),
        ([thing(n=NUMBER), thing(n=TEXT)], False),
        ([{"$ref": "#/$defs/A"}, TEXT], True),
    ],
)
def test_one_of_several_is_held_where_no_value_fits_two(members, are_apart):
    schema = {"oneOf": members, "$defs": {"A": NUMBER}}

    if are_apart:
        assert grammar_schema(schema)["anyOf"] == members
    else:
        with pytest.raises(ModelError, match="'oneOf' of schemas that one value may fit at once"):
            grammar_schema(schema)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "strng"}, r"type 'strng' at \$;"),
        ({"minimum": 3}, r"'minimum' without a type at \$"),
        ({**TEXT, "minimum": 3}, "'minimum' beside type 'string'"),
        ({**TEXT, "minlength": 3}, "'minlength' beside type 'string'"),
        ({**NUMBER, "multipleOf": 5}, "'multipleOf'"),
        ({"type": "array", "uniqueItems": True}, "'uniqueItems'"),
        ({"type": "object", "patternProperties": {"^x": TEXT}}, "'patternProperties'"),
        ({**thing(a=TEXT), "required": ["a", "z"]}, "'required' of 'z', which is no property"),
        ({"type": "object", "minProperties": 1}, "'minProperties' without"),
        ({"type": "string", "enum": ["a", 3]}, "'enum' of other values than 'string'"),
        ({"enum": [1, 2], "minimum": 2}, "'minimum' beside 'enum'"),
        ({"anyOf": [TEXT], "type": "string"}, "'type' beside 'anyOf'"),
        ({"allOf": [thing(a=TEXT), thing(b=TEXT)]}, "'allOf' of several"),
        ({"not": TEXT}, "'not' without a type"),
        ({"$ref": "http://x/y"}, "'ref' to 'http://x/y'".replace("ref", r"\$ref")),
        ({"$ref": "#/$defs/A"}, "which is not there"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}, r"'\$ref' to"),
        ({**TEXT, "format": "sparkle"}, "'format' 'sparkle'"),
        ({**TEXT, "format": "date", "maxLength": 3}, "'maxLength' beside 'format'"),
        ({**TEXT, "pattern": "a", "minLength": 3}, "'minLength' beside 'pattern'"),
        ({**TEXT, "pattern": '"'}, "'pattern'"),
        ({**TEXT, "pattern": "."}, "'pattern'"),
        ({**TEXT, "pattern": "[^a]"}, "'pattern'"),
        ({**TEXT, "pattern": "(?=a)b"}, "'pattern'"),
        ({**TEXT, "pattern": r"\bfoo"}, "'pattern'"),
        (thing(a=thing(b={"not": {}})), r"at \$.properties.a.properties.b;"),
        ({"type": "array", "prefixItems": [{}, {"if": {}}]}, r"at \$.prefixItems\[1\];"),
        ({"type": "array", "items": 3}, r"object or a bool at \$.items, got 3"),
        ({"anyOf": "ab"}, r"a list at \$.anyOf, got 'ab'"),
        ({"type": "object", "properties": [1]}, r"an object at \$.properties, got \[1\]"),
        ({"type": 5}, r"a list at \$.type, got 5"),
        ({"type": [{}]}, "type {}"),
        ({"type": "object", "required": 5}, r"a list at \$.required, got 5"),
        ({"type": "object", "required": [5]}, "'required' of 5"),
        ({"type": "string", "enum": 5}, r"a list at \$.enum, got 5"),
        ({**TEXT, "pattern": ["a"]}, "'pattern'"),
        ({**TEXT, "format": ["a"]}, "'format'"),
        ({"$ref": 5}, r"'\$ref' to 5"),
    ],
)
def test_what_a_grammar_would_leave_out_is_refused_with_its_place(schema, message):
    with pytest.raises(ModelError, match=message):
        grammar_schema(schema)


def test_the_schema_of_a_pydantic_model_is_held():
    class Radio(BaseModel):
        kind: Literal["radio"]
        works: bool

    class Tyres(BaseModel):
        kind: Literal["tyres"]
        left: int = Field(ge=0, le=4)

    class Offer(BaseModel):
        """An offer for a car."""

        say: str = Field(max_length=80, description="What is said.")
        price: int | None = None
        extras: list[Radio | Tyres] = Field(default_factory=list, max_length=2)

    held = grammar_schema(TypeAdapter(Offer).json_schema())

    assert held["properties"]["say"]["pattern"].endswith("{0,80}$")
    assert "description" not in str(held)
