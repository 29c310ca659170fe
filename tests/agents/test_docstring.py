from simlab.agents.docstring import Docstring, read_docstring

TEXT = """Says what the weather
    will be.

    Ask it often.

    Args:
        city: Its name
            in English: whole.

        days (int): How many days from now,
            at most 7.
        *rest: More.

    Returns:
        city: words
    """


def test_a_docstring_says_what_a_function_does_and_what_its_arguments_mean():
    assert read_docstring(TEXT) == Docstring(
        "Says what the weather will be. Ask it often.",
        {
            "city": "Its name in English: whole.",
            "days": "How many days from now, at most 7.",
            "rest": "More.",
        },
    )


def test_a_docstring_of_one_line_is_a_description():
    assert read_docstring("Says the time.") == Docstring("Says the time.")


def test_an_example_is_no_description():
    assert read_docstring("Says it.\n\nExample::\n\n    say(it)") == Docstring("Says it.")


def test_arguments_may_be_described_in_no_other_form():
    assert read_docstring("Says it.\n\nArgs:\n    Not a name").arguments == {}


def test_no_docstring_says_nothing():
    assert read_docstring(None) == read_docstring("") == Docstring()
