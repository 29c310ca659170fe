"""Texts with places for variables."""

import pytest

from simlab.env.template import check_names, filled, names_in


def test_the_variables_of_a_text_are_filled_in_and_doubled_braces_are_braces():
    text = "You are {name}. Call {{name}} as {name}."

    assert names_in(text) == ("name", "name")
    assert filled(text, {"name": "Mia"}) == "You are Mia. Call {name} as Mia."


def test_values_are_put_in_as_they_are():
    assert filled("{a} {b}", {"a": "{b}", "b": "}"}) == "{b} }"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Hi {nome}.", "unknown variable {nome}; did you mean name?"),
        ("Hi {}.", "expected the name of a variable between braces, got {}"),
        ("Hi {name.__class__}.", "got {name.__class__}; write a brace"),
        ("Hi {name!r}.", "got {name}"),
        ("Hi {name:>9}.", "got {name}"),
        ('{"name": 1}', r"got {\"name\"}"),
        ("Hi {name", "in 'Hi {name'; write a brace that is none of a variable's as {{ or }}"),
        ("Hi }.", "Single '}'"),
    ],
)
def test_what_is_no_variable_is_refused(text, message):
    with pytest.raises(ValueError, match=message.replace("{", r"\{").replace("(", r"\(")):
        check_names(text, {"name"})
