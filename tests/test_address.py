"""Addresses of objects are found wherever Python writes them, and nowhere else."""

import re

import pytest

from simlab.address import address_in, without_addresses

SHOWN = {
    "object": object(),
    "function": lambda: None,
    "code": compile("1", "mine.py", "eval"),
    "generator": (n for n in ()),
    "method": object().__str__,
}


@pytest.mark.parametrize("value", SHOWN.values(), ids=SHOWN)
def test_an_object_that_is_shown_by_its_address_is_found(value):
    assert re.fullmatch("<[^<]* at 0x[0-9a-f]+", address_in(f"You hold <{value}>."))


@pytest.mark.parametrize("value", SHOWN.values(), ids=SHOWN)
def test_a_text_without_addresses_shows_none(value):
    text = without_addresses(f"You hold {value}.")

    assert text.startswith("You hold <")
    assert address_in(text) is None


def test_what_is_said_of_addresses_is_none():
    said = "it crashed at 0x7fff, and then at 0xdead"

    assert address_in(said) is None
    assert without_addresses(said) == said
