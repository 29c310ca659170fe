import pytest

from simlab.env.car_sale import CarSale
from simlab.errors import ConfigError
from simlab.find import find, home_of, near


@pytest.fixture
def own_module(own_file, tmp_path, monkeypatch):
    """Writes a user's file that is a module as well."""
    monkeypatch.syspath_prepend(tmp_path)
    return own_file


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


def test_the_home_of_a_users_class_is_the_same_wherever_its_file_stands(own_file, tmp_path):
    (tmp_path / "a_b").mkdir()
    files = [own_file("class World: pass", f"{folder}mine.py") for folder in ("", "a_b/")]

    homes = {home_of(find(f"{file}:World")) for file in files}

    assert homes == {"simlab_user_mine"}
    assert home_of(CarSale) == "simlab.env.car_sale"


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


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("raise BaseException('odd')", "BaseException: odd"),
        ("raise SystemExit", "SystemExit; put what it does as a script under if __name__ == '__ma"),
    ],
)
@pytest.mark.parametrize("name", ["my_world.py", "my_world"])
def test_whatever_a_module_raises_is_told(own_module, statement, told, name):
    own_module(statement)

    with pytest.raises(ConfigError, match=rf"ing '?{name}'? failed: {told}"):
        find(f"{name}:World")


@pytest.mark.parametrize("name", ["my_world.py", "my_world"])
def test_ctrl_c_while_a_module_is_loaded_stays_what_it_is(own_module, name):
    own_module("raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        find(f"{name}:World")


def test_an_unknown_name_is_refused_with_those_near_it():
    with pytest.raises(ConfigError, match=r"has no 'CarSail'; did you mean CarSale"):
        find("simlab.env.car_sale:CarSail")


def test_near_names_come_first():
    assert near("bidder_7", ["bidder_1", "moderator"]) == "did you mean bidder_1?"
    assert near("x", ["beta", "alpha"]) == "there are alpha, beta"
    assert near("x", []) == "there are none"
