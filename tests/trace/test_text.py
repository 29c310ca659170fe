"""Texts in the record are valid, and the same wherever they are written."""

import pytest

from simlab.find import find
from simlab.trace.text import placeless, utf8


def test_lone_surrogates_are_replaced():
    assert utf8("a\ud800") == "a?"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (object(), "<object object>"),
        ([object()], "[<object object>]"),
        (lambda: None, "<function <lambda>>"),
        (compile("1", "mine.py", "eval"), '<code object <module>, file "mine.py", line 1>'),
        ((n for n in ()), "<generator object <genexpr>>"),
        (object().__str__, "<method-wrapper '__str__' of object object>"),
    ],
    ids=["object", "list", "function", "code", "generator", "method"],
)
def test_what_python_writes_of_an_object_loses_its_address(value, text):
    assert placeless(str(value)) == text


def test_what_is_said_of_addresses_stays():
    said = "it crashed at 0x7fff, and then at 0xdead"

    assert placeless(said) == said


def test_a_class_in_a_users_file_is_named_without_the_folder(own_file):
    world = find(own_file("class World: pass\n", "my-world.py") + ":World")

    assert placeless(str(world())) == "<simlab_user_my-world.World object>"
