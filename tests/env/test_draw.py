import numpy as np
import pytest
from pydantic import BaseModel, TypeAdapter

from simlab.env.draw import choice, draw


def draws(schema, n=60):
    rng = np.random.default_rng(1)
    return [draw(schema, rng) for _ in range(n)]


def test_whole_numbers_reach_both_bounds_and_no_further():
    assert set(draws({"type": "integer", "minimum": 2, "maximum": 4})) == {2, 3, 4}


def test_open_bounds_and_multiples_are_kept():
    schema = {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 20, "multipleOf": 5}

    assert set(draws(schema)) == {5, 10, 15}


@pytest.mark.parametrize("schema", [{"minimum": 3}, {"maximum": 3}, {}])
def test_numbers_without_a_bound_are_small_and_large(schema):
    drawn = draws({"type": "integer", **schema})

    assert min(map(abs, drawn)) < 100
    assert max(map(abs, drawn)) > 10_000
    assert all(number >= schema.get("minimum", number) for number in drawn)
    assert all(number <= schema.get("maximum", number) for number in drawn)


def test_texts_keep_their_lengths():
    drawn = draws({"type": "string", "minLength": 12, "maxLength": 13})

    assert {len(text) for text in drawn} == {12, 13}


def test_lists_keep_their_lengths():
    drawn = draws({"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 2})

    assert {len(items) for items in drawn} == {1, 2}


def test_optional_fields_come_and_go():
    schema = {"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}}

    drawn = draws({**schema, "required": ["a"]})

    assert {tuple(fields) for fields in drawn} == {("a",), ("a", "b")}


class Tree(BaseModel):
    left: "Tree | None"
    children: list["Tree"]


def test_recursive_schemas_come_to_an_end():
    for tree in draws(TypeAdapter(Tree).json_schema(), 20):
        Tree.model_validate(tree)


def test_a_choice_is_the_very_object():
    options = [object(), object()]

    assert choice(options, np.random.default_rng(0)) in options
