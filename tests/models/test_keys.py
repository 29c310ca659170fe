import pytest

from simlab.errors import ConfigError
from simlab.models.keys import hide_key, read_key


def test_a_key_is_what_the_environment_holds_now(monkeypatch):
    monkeypatch.setenv("MY_KEY", " sk-one\n")
    assert read_key("MY_KEY") == "sk-one"

    monkeypatch.setenv("MY_KEY", "sk-two")
    assert read_key("MY_KEY") == "sk-two"


def test_no_variable_is_no_key():
    assert read_key(None) == ""


@pytest.mark.parametrize("key", [None, "", "  \n"])
def test_a_key_that_is_not_there_is_told_with_its_variable(monkeypatch, key):
    monkeypatch.delenv("MY_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("MY_KEY", key)

    with pytest.raises(ConfigError, match="key_env names the environment variable 'MY_KEY', which"):
        read_key("MY_KEY")


@pytest.mark.parametrize("key", ["sk-one two", "sk-\x1bone", "sk-öne", "sk\none"])
def test_what_no_header_can_hold_is_refused_without_being_shown(monkeypatch, key):
    monkeypatch.setenv("MY_KEY", key)

    with pytest.raises(ConfigError, match="'MY_KEY' must hold a key of printable ASCII") as caught:
        read_key("MY_KEY")

    assert "sk" not in caught.value.message


def test_a_key_is_hidden_behind_its_variable(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-one")

    assert hide_key("no sk-one, no sk-one!", "MY_KEY") == "no $MY_KEY, no $MY_KEY!"
    assert hide_key("no sk-one", None) == "no sk-one"


def test_where_there_is_no_key_nothing_is_hidden(monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)

    assert hide_key("nothing", "MY_KEY") == "nothing"
