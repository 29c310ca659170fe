import pytest
from pydantic import TypeAdapter, ValidationError

from simlab.env.mend import mend, trimmed


def errors_of(space, data):
    try:
        TypeAdapter(space).validate_python(data)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("$8,500", 8500),
        ("-$5", -5),
        ("$-5", -5),
        ("8500 dollars.", 8500),
        ("1,234,567", 1234567),
        ("€ 12.50", 12.5),
        ("40%", 40),
    ],
)
def test_numbers_are_read_as_people_write_them(text, number):
    assert mend(text, errors_of(int, text)) == number


@pytest.mark.parametrize("text", ["8 or 9", "1,2", "8.500,00", "eight", "", "$", "10 to 20", "8k"])
def test_numbers_that_could_be_two_things_stay_as_they_are(text):
    assert mend(text, errors_of(int, text)) == text


def test_the_data_that_is_mended_is_not_changed():
    data = {"a": ["$1", {"b": "2 euros"}]}

    mended = mend(data, errors_of(dict[str, list[int | dict[str, int]]], data))

    assert mended == {"a": [1, {"b": 2}]}
    assert data == {"a": ["$1", {"b": "2 euros"}]}


def test_two_keys_that_could_be_the_missing_one_stay_as_they_are():
    data = {"Price": 1, "PRICE": 2}
    fault = {"type": "missing", "loc": ("price",), "msg": "", "input": data}

    assert mend(data, [fault]) == data


def test_choices_are_compared_without_case_quotes_and_stops():
    assert trimmed(' "Yes!" ') == trimmed("yes")
    assert trimmed("yes") != trimmed("no")
