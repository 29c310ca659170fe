"""Whatever a run holds becomes JSON of a bounded size, and what was cut out is told."""

import json
import math

import pytest

from simlab.trace.contents import reference_to
from simlab.view.bounds import cut, number, shown, size_in_words


def test_a_long_text_is_cut_and_tells_how_much_more_there_is():
    text = cut("x" * 3_200_100, 100)

    assert text == "x" * 100 + "… 3.2 MB more"


def test_a_huge_value_of_many_texts_is_no_larger_than_was_asked_for():
    value = [{"text": "y" * 5000, "n": n} for n in range(10_000)]

    assert len(json.dumps(shown(value, characters=20_000))) < 60_000


def test_texts_that_share_parts_cost_what_is_shown_of_them():
    value: list = ["boom"]
    for _ in range(40):
        value = [value, value]

    assert len(json.dumps(shown(value, characters=5_000))) < 50_000


def test_what_holds_itself_is_cut_off():
    value: list = []
    value.append(value)

    assert "…" in json.dumps(shown(value), ensure_ascii=False)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (2**63, str(2**63)),
        pytest.param(10**5000, "an integer of 16610 bits", id="huge"),
        (True, True),
        (1.5, 1.5),
        (None, None),
    ],
)
def test_every_number_is_one_that_a_browser_reads(given, told):
    assert shown(given) == told
    json.dumps(number(given) if not isinstance(given, bool) else given, allow_nan=False)


def test_a_lone_surrogate_can_be_encoded():
    assert shown("a\ud800b").encode() == b"a\\ud800b"


def test_bytes_are_shown_where_they_begin_as_an_image_does():
    png = b"\x89PNG\r\n\x1a\n" + bytes(20)

    assert shown(png)["mime"] == "image/png"
    assert shown(b"<svg onload=alert(1)>") == {"_type": "bytes", "size": "21 B"}


def test_a_reference_that_was_not_followed_is_told_by_its_hash():
    assert shown(reference_to("z" * 100))["_type"] == "content"


def test_sizes_are_told_in_units_that_people_use():
    assert [size_in_words(n) for n in (12, 4_300, 7_000_000_000)] == ["12 B", "4.3 kB", "7.0 GB"]


def test_a_logged_page_is_told_apart_from_a_text():
    assert shown({"_type": "Html", "text": "<b>hi</b>"}) == {"_type": "html", "html": "<b>hi</b>"}
    assert shown("<b>hi</b>") == "<b>hi</b>"
