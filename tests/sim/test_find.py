import sys

import pytest

from simlab.env.car_sale import CarSale
from simlab.errors import ConfigError
from simlab.sim.find import find, make, parameters


@pytest.fixture
def own_file(tmp_path, monkeypatch):
    """Writes a user's file; forgets that it was loaded afterwards."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="my_world.py"):
        (tmp_path / name).write_text(text)
        return name

    yield write
    for name in [name for name in sys.modules if name.startswith("simlab_user_")]:
        del sys.modules[name]


def test_a_name_in_a_package_is_found():
    assert find("simlab.env.car_sale:CarSale") is CarSale


def test_a_name_in_a_users_file_is_found(own_file):
    file = own_file("class World:\n    pass\n")

    assert find(f"{file}:World").__name__ == "World"


def test_a_users_file_is_loaded_once_so_that_its_classes_stay_the_same(own_file):
    file = own_file("class World:\n    pass\n")

    assert find(f"{file}:World") is find(f"./{file}:World")


def test_files_of_one_name_in_two_folders_are_two_modules(own_file, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    files = [own_file(f"class World: pass  # {name}", f"{name}/mine.py") for name in "ab"]

    one, other, one_again = (find(f"{file}:World") for file in (*files, files[0]))

    assert one is one_again is not other


@pytest.mark.parametrize("name", ["CarSale", "simlab.env.car_sale:", ":CarSale"])
def test_a_name_of_another_form_is_refused(name):
    with pytest.raises(ConfigError, match=f"expected module:name or file.py:name, got {name!r}"):
        find(name)


def test_a_module_that_is_not_there_is_refused_with_the_remedy():
    with pytest.raises(ConfigError, match=r"no module 'my_world' .*write file.py:name"):
        find("my_world:World")


def test_a_module_that_a_module_misses_is_named(own_file):
    file = own_file("import not_installed")

    with pytest.raises(ConfigError, match=r"loading my_world.py failed: .*'not_installed'"):
        find(f"{file}:World")


def test_a_file_that_is_not_there_is_refused(own_file):  # noqa: ARG001 - in an empty folder
    with pytest.raises(ConfigError, match=r"there is no file none.py"):
        find("none.py:World")


def test_a_file_that_fails_is_told_with_its_error_and_may_be_mended(own_file):
    file = own_file("raise RuntimeError('no licence')")

    with pytest.raises(ConfigError, match=r"loading my_world.py failed: RuntimeError: no licence"):
        find(f"{file}:World")

    own_file("World = 1")
    assert find(f"{file}:World") == 1


def test_an_unknown_name_is_refused_with_those_near_it():
    with pytest.raises(ConfigError, match=r"has no 'CarSail'; did you mean CarSale"):
        find("simlab.env.car_sale:CarSail")


def thing(size, colour="red"):
    if size == "broken":
        raise KeyError(size)
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
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        make("thing", thing, options)


def test_what_takes_any_option_is_given_any():
    assert parameters(lambda **options: options) is None
    assert make("any", lambda **options: options, {"odd": 1}) == {"odd": 1}
    assert parameters(thing) == {"size", "colour"}
