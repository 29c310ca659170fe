from pathlib import Path

import pytest
import yaml

from simlab.errors import ConfigError
from simlab.yaml_file import YamlFile, as_yaml, with_keys_as_written, with_settings

TEXT = """\
world: a:B
cast:
  buyer:
    goal: save
    sampling: {max_tokens: 4,
               top_p: 0.5}
  seller: {}
episodes: 3
"""
FILE = Path("mine.yaml")


@pytest.fixture
def file():
    return YamlFile(FILE, TEXT)


def test_yes_no_and_digits_are_words_where_words_are_meant():
    data = YamlFile(FILE, "labels: {yes: 1, no: 2, 3: 4, maybe: 5}").data["labels"]

    assert with_keys_as_written(data) == {"yes": 1, "no": 2, "3": 4, "maybe": 5}
    assert with_keys_as_written("yes") == "yes"


def test_a_file_is_its_data(file):
    assert file.data["cast"]["buyer"]["sampling"] == {"max_tokens": 4, "top_p": 0.5}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("world",), 1),
        (("cast", "buyer", "goal"), 4),
        (("cast", "buyer", "sampling", "top_p"), 6),
        (("episodes",), 8),
    ],
)
def test_every_key_knows_its_line(file, path, line):
    assert file.line_of(path) == line
    assert file.where(path) == f"mine.yaml:{line}"


def test_a_key_that_is_not_there_is_placed_at_the_one_around_it(file):
    assert file.line_of(("cast", "buyer", "golf")) == 3


def test_a_key_with_nothing_around_it_has_no_line(file):
    assert file.line_of(("episods",)) is None
    assert file.where(("episods",)) == "mine.yaml"


def test_items_of_lists_have_lines_as_well():
    file = YamlFile(FILE, "cast:\n  - a\n  - b: 1\n")

    assert file.line_of(("cast", 1, "b")) == 3


def test_text_that_is_not_yaml_is_refused_with_its_line():
    with pytest.raises(ConfigError, match=r"^mine.yaml:2: not YAML: expected ',' or ']'"):
        YamlFile(FILE, "world: [a\ncast: {}\n")


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("seed: 1\nworld: a:B\nseed: 2\n", 3, "seed"),
        ("cast:\n  a: {}\n  b: {}\n  a: {}\n", 4, "a"),
        ("options: [{'x': 1,\n  x: 2}]\n", 2, "x"),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_its_line(text, line, key):
    with pytest.raises(ConfigError, match=f"^mine.yaml:{line}: not YAML: key '{key}' stands there"):
        YamlFile(FILE, text)


def test_keys_that_are_taken_over_from_elsewhere_may_stand_again():
    text = "a: &a {x: 1, y: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, x: 3}\n'1': {}\n1: {}\n"

    assert YamlFile(FILE, text).data["c"] == {"x": 3, "y": 2}


def test_characters_that_yaml_does_not_allow_are_refused():
    with pytest.raises(ConfigError, match=r"mine.yaml is not YAML: .*#x0001"):
        YamlFile(FILE, "world: \x01\n")


@pytest.mark.parametrize(("text", "got"), [("", "NoneType"), ("- a", "list"), ("words", "str")])
def test_a_file_without_keys_is_refused(text, got):
    with pytest.raises(ConfigError, match=f"mine.yaml must be a mapping of keys, got {got}"):
        YamlFile(FILE, text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read: No such file"):
        YamlFile(tmp_path / "none.yaml")


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "mine.yaml").write_bytes(b"world: \xff\xfe")

    with pytest.raises(ConfigError, match=r"is not text in UTF-8"):
        YamlFile(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        ("-2e+3", -2000.0),
        ("+1.5e2", 150.0),
        ("1.e2", 100.0),
        (".5e1", 5.0),
        ("-.5", -0.5),
        ("1.0e-05", 0.00001),
    ],
)
def test_numbers_are_those_of_yaml_1_2(text, number):
    read = [YamlFile(FILE, f"a: {text}").data["a"], with_settings({}, [f"a={text}"])["a"]]

    assert read == [number, number]
    assert {type(one) for one in read} == {float}


@pytest.mark.parametrize(
    "text",
    ["e5", "1e", "1e-", "1e5x", "x1e5", "1e5.0", "1e5 days", ".e5", ".", "-a", "0x1e5", "1_0"],
)
def test_what_is_no_such_number_is_what_it_was(text):
    assert YamlFile(FILE, f"a: {text}").data == yaml.safe_load(f"a: {text}")


@pytest.mark.parametrize("text", ["'1e-3'", '"1e-3"', "!!str 1e-3"])
def test_a_quoted_number_is_a_text(text):
    assert YamlFile(FILE, f"a: {text}").data == {"a": "1e-3"}


@pytest.mark.parametrize(
    "value", ["1e-3", "-.5", "2", "yes", 1e-05, 1e300, -0.5, None, ["1E5", 1e5]]
)
def test_what_is_written_is_read_as_the_same(value):
    assert with_settings({}, [f"a={as_yaml(value)}"]) == {"a": value}


def test_settings_are_yaml_and_reach_any_depth():
    data = {"cast": {"buyer": {"goal": "save"}}}

    changed = with_settings(
        data, ["cast.buyer.goal=No.", "models.all.latency_s=0.02", "options={a: [1, x]}", "seed="]
    )

    assert changed == {
        "cast": {"buyer": {"goal": "No."}},
        "models": {"all": {"latency_s": 0.02}},
        "options": {"a": [1, "x"]},
        "seed": None,
    }


def test_settings_leave_what_they_are_given_unchanged():
    data = {"cast": {"buyer": {"sampling": {"stop": ["a"]}}}}

    changed = with_settings(data, ["cast.buyer.sampling.stop=[b]", "cast.buyer.sampling.seed=1"])

    assert changed["cast"]["buyer"]["sampling"] == {"stop": ["b"], "seed": 1}
    assert data == {"cast": {"buyer": {"sampling": {"stop": ["a"]}}}}


def test_of_two_settings_of_one_key_the_later_holds():
    assert with_settings({}, ["seed=1", "seed=2"]) == {"seed": 2}


def test_a_value_may_hold_equals_signs():
    assert with_settings({}, ["name=a=b"]) == {"name": "a=b"}


@pytest.mark.parametrize("setting", ["seed", "=1", "a..b=1", ".a=1", "a.=1"])
def test_a_setting_of_another_form_is_refused(setting):
    with pytest.raises(ConfigError, match=f"--set takes KEY=VALUE such as .*, got {setting!r}"):
        with_settings({}, [setting])


def test_a_setting_through_a_value_without_keys_is_refused():
    with pytest.raises(ConfigError, match=r"--set seed.of.it: seed is 7 and has no keys"):
        with_settings({"seed": 7}, ["seed.of.it=1"])


def test_a_setting_whose_value_is_not_yaml_is_refused():
    with pytest.raises(ConfigError, match=r"--set options=\[1: the value is not YAML"):
        with_settings({}, ["options=[1"])


def test_a_setting_of_a_mapping_has_each_key_once():
    with pytest.raises(
        ConfigError, match=r"--set options=.*: the value is not YAML: key 'a' stands"
    ):
        with_settings({}, ["options={a: 1, a: 2}"])


def test_what_stands_below_a_key_is_a_file_of_its_own_with_the_same_lines(tmp_path):
    file = YamlFile(tmp_path / "mine.yaml", "name: x\nrun:\n  world: a\n  cast:\n    ann: {}\n")

    part = file.under("run")

    assert part.data == {"world": "a", "cast": {"ann": {}}}
    assert part.where(("cast", "ann")) == f"{tmp_path / 'mine.yaml'}:5"
    assert part.where(("name",)) == str(tmp_path / "mine.yaml")
    assert file.where(("run", "cast")).endswith(":4")
