"""Dialogue environments as one YAML file."""

from pathlib import Path

import pytest

from simlab.env import dialogue_file
from simlab.env.dialogue_file import read_dialogue_file
from simlab.env.dialogue_script import Line
from simlab.env.dialogue_source import load_script
from simlab.errors import ConfigError

TEXT = """\
max_turns: 3
variables:
  coach: [Kim, Alex]
assistant: You are {coach}.
character: You are {student}. {trait}
preference:
  question: How helpful was {coach}?
  scale: 1..10
transition:
  question: Does {student} begin?
states:
  talking:
    transitions: {yes: working, no: talking}
    default: no
  working:
    history:
      - system: "{student} begins."
    terminal: true
users:
  gameable: {fraction: 0.25, trait: You like ease., cue: "It is fine, {coach}?"}
  normal: {fraction: 0.75, trait: You learn., cue: Help me.}
opening:
  - character: "{say} {cue}"
environments:
  exam:
    subject: algebra
    initial_states:
      - {student: Mia, say: My exam is tomorrow.}
      - {student: Tom, name: tired, history: [{assistant: Hi.}, {character: "Oh, {subject}."}]}
"""


@pytest.fixture
def read(tmp_path):
    """Reads a dialogue file; in its text some words may be put in the place of others."""

    def read(*changes, text=TEXT):
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return read_dialogue_file(path)

    return read


def test_users_and_environments_make_environments_of_populations(read):
    script = read()

    assert [*script.environments] == ["gameable_exam", "normal_exam"]
    gameable = script.environments["gameable_exam"]
    assert gameable.population == "gameable"
    assert gameable.variables["trait"] == "You like ease."
    assert gameable.variables["subject"] == "algebra"
    assert script.fractions == {"gameable": 0.25, "normal": 0.75}
    assert str(script) == "2 environments (1 gameable, 1 normal) with 4 initial states"


def test_initial_states_are_the_opening_with_their_words_or_a_history_of_their_own(read):
    initial = read().environments["normal_exam"].initial_states

    assert initial["1"].history == (Line("character", "{say} {cue}"),)
    assert initial["1"].variables == {"student": "Mia", "say": "My exam is tomorrow."}
    assert initial["tired"].history[1] == Line("character", "Oh, {subject}.")


def test_yes_and_no_are_words(read):
    talking = read().states["talking"]

    assert talking.transitions == {"yes": "working", "no": "talking"}
    assert talking.default == "no"


def test_a_text_alone_is_what_is_said_and_all_else_may_be_left_out(read):
    script = read(
        text="""
assistant: You help.
character: You ask.
environments:
  help: {initial_states: [Hello., Help!]}
"""
    )

    environment = script.environments["help"]
    assert environment.population == "all"
    assert environment.initial_states["2"].variables == {"say": "Help!"}
    assert not script.assessors
    assert [*script.states] == ["talking"]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ("1..3", {"1": 1, "2": 2, "3": 3}),
        ("[0, 5]", {"0": 0, "5": 5}),
        ("{no: 0, yes: 1}", {"no": 0, "yes": 1}),
    ],
)
def test_scales_are_ranges_lists_or_labels_with_values(read, given, values):
    assert read(("1..10", given)).assessors["preference"].scale.values == values


def test_the_example_of_the_documentation_can_be_played(read):
    _, _, example = dialogue_file.__doc__.partition("::\n\n")
    lines = example.partition("\nA text names")[0].splitlines()

    assert str(read(text="\n".join(line[4:] for line in lines))).endswith("with 4 initial states")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("You are {coach}.", "You are {couch}.", r":4: unknown variable \{couch\}; .*coach"),
        ("Does {student} begin?", "Does {nobody}?", r":10: unknown variable \{nobody\}"),
        ("{student} begins", "{who} begins", r":17: unknown variable \{who\}"),
        ("fine, {coach}?", "fine, {x}?", r":20: unknown variable \{x\}"),
        ("Oh, {subject}.", "Oh, {x}.", r":29: unknown variable \{x\}"),
        ("{student: Mia, say", "{say", r":5: unknown variable \{student\}"),
        ("[Kim, Alex]", '[Kim, "{x}"]', r":3: unknown variable \{x\}"),
        ("[Kim, Alex]", '[Kim, "{subject}"]', r":20: \{coach\} names variables itself"),
        ("no: talking", "no: asleep", r":13: there is no state 'asleep'"),
        ("default: no", "default: maybe", r":14: default .* labels \('yes', 'no'\), got 'maybe'"),
        ("    terminal: true\n", "", r":15: state 'working' has no transition; give it"),
        ("fraction: 0.75", "fraction: 0.5", r":19: fractions must sum to 1, got 0.75"),
        ("fraction: 0.75, ", "", r":21: user 'normal' has no fraction, and others have"),
        ("  scale: 1..10\n", "", r":6: preference needs a scale"),
        ("1..10", "high", r":8: preference.scale: must be labels .* got 'high'"),
        ("1..10", "[good, bad]", r":8: preference.scale: numbers that are a scale .* got 'good'"),
        ("1..10", "{a: 1, b: null}", r":8: preference.scale: a scale must give .* got 'b': None"),
        ("1..10", "[1]", r":8: preference.scale: scale must have at least two labels"),
        ("Does {student} begin?", '"  "', r":10: transition.question: .* at least 1 character"),
        ("max_turns: 3", "max_turns: 0", r":1: max_turns: .* got 0"),
        ("max_turns: 3", "maxturns: 3", r":1: unknown key 'maxturns'; did you mean max_turns\?"),
        ("  question: Does", "  sees: some\n  question: Does", r":10: transition.sees: .*'some'"),
        ("- system:", "- narrator:", r":17: .*'narrator'"),
        ("  question: Does", "  rule: graded\n  question: Does", r":9: transition needs a scale"),
        ("subject: algebra", "subject: [algebra]", r":26: .*subject"),
        (
            "cue: Help me.}\n",
            "cue: Help me., frction: 0.1}\n",
            r":21: unknown key 'frction', nor does any text .*; did you mean fraction\?",
        ),
        ("Tom, name:", "Tom, nme:", r":29: unknown key 'nme', nor .*; did you mean name"),
        ("subject: algebra", "subject: x\n    openning: x", r":27: .*did you mean opening"),
        ("[Kim, Alex]", "[Kim, Alex]\n  coatch: [x]", r":4: no text names {coatch}; .*coach"),
        (
            "subject: algebra",
            "subject: x\n    population: y",
            r":27: users are the populations of environment 'exam'; leave out population, got 'y'",
        ),
    ],
)
def test_what_cannot_be_played_is_refused_with_its_line(read, old, new, message):
    with pytest.raises(ConfigError, match="mine.yaml" + message):
        read((old, new))


@pytest.mark.parametrize(
    ("bank", "message"),
    [
        ("[]", r":6: environment 'help' has no initial state; give at least one"),
        ("[{history: []}]", r":6: initial state '1' of 'help' must end .* got no history"),
        ("[{history: [{assistant: Hi.}]}]", r":6: .* got a last line of 'assistant'"),
        ("[{name: a, say: A}, {name: a, say: B}]", r":6: name 'a' stands there twice"),
        ("[{name: 2, say: A}, {say: B}]", r":6: name '2' stands there twice; a state without one"),
    ],
)
def test_a_bank_from_which_nothing_can_begin_is_refused(read, bank, message):
    with pytest.raises(ConfigError, match=message):
        read(
            text=f"""\
assistant: You help.
character: You ask.
max_turns: 2
environments:
  help:
    initial_states: {bank}
"""
        )


def test_environments_that_would_take_the_place_of_others_are_refused(read):
    text = """\
assistant: You help.
character: You ask.
users: {a: {}, a_b: {}}
environments:
  b_c: {initial_states: [Hello.]}
  c: {initial_states: [Good day.]}
"""

    with pytest.raises(ConfigError, match=r":6: 'a_b_c' is an environment of user 'a_b' here and"):
        read(text=text)


def test_a_variable_of_one_initial_state_alone_is_unknown_to_what_all_share(read):
    shared = "subject: algebra of {book}"

    with pytest.raises(ConfigError, match=r":26: unknown variable \{book\}"):
        read(("subject: algebra", shared), ("{student: Mia,", "{student: Mia, book: Euler,"))


def test_several_next_states_need_a_seat_that_says_which(read):
    text = TEXT.replace("transition:\n  question: Does {student} begin?\n", "")

    with pytest.raises(ConfigError, match=r"'talking' has several next ones and no transition"):
        read(text=text)


def test_the_graded_rule_needs_yes_and_no(read):
    graded = ("begin?", "begin?\n  rule: graded\n  scale: 1..5")

    assert read(graded).assessors["transition"].graded
    with pytest.raises(ConfigError, match="the graded rule needs yes and no"):
        read(graded, ("{yes: working, no: talking}", "{go: working, no: talking}"))


def test_a_file_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(ConfigError, match=r"no dialogue file or folder study_couch.*study_coach"):
        load_script("study_couch")


def test_a_file_is_read_once_until_it_changes(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)

    first = load_script(path)
    assert load_script(Path(path)) is first

    path.write_text(TEXT.replace("Mia", "Mina"))
    assert load_script(path).source != first.source
