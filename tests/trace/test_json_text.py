"""JSON that every reader takes."""

import json
import math

import pytest

from simlab.trace.contents import reference_to
from simlab.trace.json_text import as_json, ascii_json


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"a": [1, None, True, "é"]}, {"a": [1, None, True, "é"]}),
        ([math.nan, math.inf, -math.inf, 0.5], ["NaN", "Infinity", "-Infinity", 0.5]),
        ({"deep": {"x": math.nan}}, {"deep": {"x": "NaN"}}),
        ([math.nan, b"\x00"], ["NaN", {"_type": "bytes", "base64": "AA=="}]),
        ("half \ud800", "half \ud800"),
    ],
)
def test_plain_data_is_read_back(value, read):
    text = as_json(value)

    assert json.loads(text, parse_constant=pytest.fail) == read
    assert text.encode()
    assert "\n" not in text


def test_texts_stay_readable():
    assert as_json("Übergabe") == '"Übergabe"'


def test_the_same_stands_in_ascii_for_those_who_take_nothing_else():
    text = as_json({"é": "half \ud800, \U0001f600"})

    assert ascii_json(text).isascii()
    assert json.loads(ascii_json(text)) == json.loads(text)


def test_a_reference_that_was_not_followed_is_its_hash():
    reference = reference_to("offer")

    assert json.loads(as_json([reference])) == [
        {"_type": "content", "hash": bytes(reference.data).hex()}
    ]


def test_what_is_not_plain_is_refused():
    with pytest.raises(TypeError, match="plain data was expected, got a value of type object"):
        as_json(object())
