"""Colours follow from names."""

import re

from simlab.agents.colours import colour_of


def test_interlab_29_a_names_colour_is_the_same_in_every_run():
    assert colour_of("alice") == "#2dd28c"
    assert colour_of("bob") == "#d22d48"


def test_names_have_colours_of_their_own():
    colours = {colour_of(f"speaker_{number}") for number in range(20)}

    assert len(colours) > 15
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)
