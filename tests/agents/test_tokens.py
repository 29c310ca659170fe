"""Tokens are counted without a vocabulary, and texts are cut at separators."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.agents.tokens import CUT_MARK, characters, cut, token_counter, words


def test_four_characters_are_a_token_and_so_is_what_is_left():
    assert [characters(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]


def test_words_are_counted_between_blanks_and_a_separator_is_one():
    assert [words(text) for text in ("", "a b\nc", "\n", " a ")] == [0, 3, 1, 1]


def test_interlab_27_a_second_equal_count_is_a_hit():
    counter = token_counter("characters")
    counter("a text that nobody has counted before")
    before = counter.cache_info().hits

    counter("a text that nobody has counted before")

    assert counter.cache_info().hits == before + 1


def test_interlab_27_an_unknown_counter_is_a_value_error():
    with pytest.raises(ValueError, match=r"one of .'characters', 'words'., got 'gpt-9'"):
        token_counter("gpt-9")


def test_a_text_with_room_is_left_as_it_is():
    assert cut("one two", 2, count=words) == "one two"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("One two three. Four five six seven", "One two three ..."),
        ("One two three four five, six seven", "One two three four ..."),
        ("One, two\n\nthree four. Five, six", "One, two\n\nthree four ..."),
    ],
)
def test_the_cut_is_at_the_best_separator_in_the_last_half(text, left):
    assert cut(text, 5, count=words) == left


def test_a_word_without_separators_is_cut_anywhere():
    assert cut("x" * 100, 5) == "x" * 16 + CUT_MARK


def test_nothing_is_left_where_not_even_the_mark_has_room():
    assert cut("one two", 0, count=words) == ""


@given(st.text(max_size=200), st.integers(0, 30), st.sampled_from([characters, words]))
def test_interlab_40_what_is_left_never_exceeds_the_limit(text, max_tokens, count):
    assert count(cut(text, max_tokens, count=count)) <= max_tokens
