"""JSON is found in whatever a model wraps around it, and never guessed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.models.json_text import find_json


def values(text: str, **settings):
    return [found.value for found in find_json(text, **settings)]


def test_interlab_22_a_fenced_block_comes_before_braces_outside_it():
    text = 'Perhaps {"a": 1}. No:\n```json\n{"a": 2}\n```\nor {"a": 3}'

    assert values(text) == [{"a": 2}, {"a": 1}, {"a": 3}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('Sure! {"a": 1} Hope that helps.', {"a": 1}),
        ("{'a': 'it''s', 'b': True, 'c': None}", {"a": "it''s", "b": True, "c": None}),
        ("{'say': 'it's fine', 'n': 1}", {"say": "it's fine", "n": 1}),
        ('{"say": "I said "no" to her", "n": 1}', {"say": 'I said "no" to her', "n": 1}),
        ('{"a": [1, 2,], "b": {"c": "d",},}', {"a": [1, 2], "b": {"c": "d"}}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{a: "bare", b_2: false}', {"a": "bare", "b_2": False}),
        ('{"price": $8,500, "then": 9,000}', {"price": 8500, "then": 9000}),
        ('{"a": 08, "b": -2.5e3, }', {"a": 8, "b": -2500.0}),
        ('I would {maybe} say {"a": 1}', {"a": 1}),
        ('{"a": "tab\\t, quote \\", \\u00e9",}', {"a": 'tab\t, quote ", é'}),
        ("```\n[1, 2]\n```", [1, 2]),
    ],
)
def test_interlab_22_careless_json_is_read_as_it_is_meant(text, value):
    assert values(text) == [value]


def test_interlab_22_fenced_json_inside_a_string_stays_a_string():
    inner = '```json\n{"a": 1}\n```'

    assert values(json.dumps({"code": inner})) == [{"code": inner}]
    assert values(f"```json\n{json.dumps({'code': inner})}\n```") == [{"code": inner}]


@pytest.mark.parametrize("text", ["", "no braces", "{maybe}", '{"a": oops}', '{"a": NaN}', "{" * 9])
def test_interlab_22_malformed_json_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"expected a JSON object, got no readable one|cut off"):
        find_json(text, opening="{")


def test_a_text_that_lacks_only_the_brackets_of_objects_is_completed_and_marked():
    (found,) = find_json('{"a": {"b": "c"')

    assert found.value == {"a": {"b": "c"}}
    assert not found.whole


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "hal',
        '{"a": 80',
        '{"a": tru',
        '{"a": 1,',
        '{"a"',
        '{"a": ',
        '{"a": [1, "b"',
        '{"a": {"b": 1}, "c": "tr',
    ],
)
def test_a_text_that_might_have_gone_on_in_several_ways_is_not_completed(text):
    with pytest.raises(ValueError, match="cut off"):
        find_json(text)


def test_commas_group_digits_in_an_object_but_separate_items_in_a_list():
    assert values("{'a': 1,500}") == [{"a": 1500}]
    assert values("[1,500, 'b']") == [[1, 500, "b"]]


def test_only_brackets_that_may_open_a_value_do():
    assert values('[1] and {"a": [2]}', opening="{") == [{"a": [2]}]


def test_half_a_surrogate_pair_becomes_the_replacement_character():
    text = r'{"a": "\ud83d\ude00", "b": "\ud800!"}'

    assert values(text) == [{"a": "\U0001f600", "b": "\ufffd!"}]
    assert values(text.replace("}", ",}")) == [{"a": "\U0001f600", "b": "\ufffd!"}]


@pytest.mark.parametrize("text", ["{" * 20_000, "[" * 20_000, '{"a":' * 20_000, "{'a':[" * 9_000])
def test_a_hostile_reply_is_refused_in_bounded_time_and_depth(text):
    with pytest.raises(ValueError, match="JSON"):
        find_json(text)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=40)
@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), PLAIN, max_size=3))
def test_every_json_object_is_found_as_it_is(value):
    assert values(f"So: {json.dumps(value)} That is all.") == [value]


@given(st.text())
def test_no_text_makes_it_fail_otherwise_than_by_value_error(text):
    try:
        found = find_json("{" + text)
    except ValueError:
        return
    assert found
