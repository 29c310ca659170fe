import pytest

from simlab.env.options import at_least, episode_options, flag, one_of, words


@pytest.mark.parametrize("value", [0, -3, 1.0, "3", True, None])
def test_a_count_that_is_no_whole_number_or_too_small_is_refused_with_its_value(value):
    with pytest.raises(ValueError, match="rounds must be a whole number of at least 1, got "):
        at_least("rounds", value, 1)


def test_a_count_at_its_bound_is_taken():
    assert at_least("rounds", 1, 1) == 1


@pytest.mark.parametrize("value", ["no", 0, None])
def test_a_flag_is_true_or_false_and_nothing_else(value):
    with pytest.raises(ValueError, match="talk must be true or false, got "):
        flag("talk", value)


def test_an_unknown_choice_is_refused_with_all_choices():
    with pytest.raises(ValueError, match=r"rule must be one of \('a', 'b'\), got 'c'"):
        one_of("rule", "c", ("a", "b"))


@pytest.mark.parametrize("value", ["", "  ", 3])
def test_words_are_text_that_is_not_empty(value):
    with pytest.raises(ValueError, match="car must be text that is not empty, got "):
        words("car", value)


def test_an_option_that_nobody_reads_is_refused():
    with pytest.raises(ValueError, match=r"expected one of \('car',\), got 'colour'"):
        episode_options({"colour": "red"}, ("car",))
    with pytest.raises(ValueError, match="expected none, got 'colour'"):
        episode_options({"colour": "red"}, ())


def test_options_are_copied():
    given = {"car": "a van"}

    taken = episode_options(given, ("car",))

    assert taken == given
    assert taken is not given
    assert episode_options(None, ("car",)) == {}
