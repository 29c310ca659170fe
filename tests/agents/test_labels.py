"""Labels are found in all their spellings, and never guessed."""

import pytest

from simlab.agents.labels import label_in, spellings


def test_a_label_is_spelt_at_once_or_after_a_blank_in_small_letters_or_capitalised():
    assert spellings(["8"]) == {"8": "8", " 8": "8"}
    assert set(spellings(["yes", "no"])) >= {"yes", " yes", "Yes", " Yes", "no", " No"}
    assert spellings(["yes", "no"])[" No"] == "no"


def test_a_spelling_that_two_labels_share_is_that_of_neither_but_as_it_is_written():
    assert spellings(["Low", "LOW"])["Low"] == "Low"
    assert "low" not in spellings(["Low", "LOW"])


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("8", "8"),
        (" 10.", "10"),
        ("Rating: 8/9 of it", None),
        ("18", None),
        ("8.5", None),
        ("1.8", None),
        ("It is 8, truly 8", "8"),
        ("none", None),
        ("", None),
    ],
)
def test_a_label_is_read_where_one_stands_as_a_word(reply, label):
    assert label_in(reply, ["8", "9", "1", "10"]) == label


def test_case_counts_only_where_labels_differ_in_it():
    assert label_in("YES!", ["yes", "no"]) == "yes"
    assert label_in("LOW", ["Low", "LOW"]) == "LOW"
    assert label_in("low", ["Low", "LOW"]) is None
