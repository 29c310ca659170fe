"""What a run file names is made with the options that it gives."""

import pytest

from simlab.errors import ConfigError
from simlab.sim.make import make, parameters


def thing(size, colour="red"):
    if size == "broken":
        raise KeyError(size)
    if isinstance(size, BaseException):
        raise size
    return int(size), colour


def test_options_go_to_what_is_made():
    assert make("thing", thing, {"size": 3, "colour": "blue"}) == (3, "blue")


def test_an_unknown_option_is_refused_with_those_near_it():
    with pytest.raises(ConfigError, match=r"thing has no option 'color'; did you mean colour\?"):
        make("thing", thing, {"size": 3, "color": "blue"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "thing: .* missing 1 required positional argument: 'size'"),
        ({"size": "big"}, "thing: invalid literal for int"),
        ({"size": "broken"}, "thing raised KeyError: 'broken'"),
        ({"size": SystemExit(0)}, "thing raised SystemExit: 0"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        make("thing", thing, options)


def test_ctrl_c_while_something_is_made_stays_what_it_is():
    with pytest.raises(KeyboardInterrupt):
        make("thing", thing, {"size": KeyboardInterrupt()})


def test_what_takes_any_option_is_given_any():
    assert parameters(lambda **options: options) is None
    assert make("any", lambda **options: options, {"odd": 1}) == {"odd": 1}
    assert parameters(thing) == {"size", "colour"}
