"""Dialogue environments in the public format of the Influence benchmark."""

import pytest

from simlab.env.dialogue import DialogueWorld
from simlab.env.dialogue_source import load_script
from simlab.env.environment import Utterance
from simlab.env.scale import scale_of
from simlab.errors import ConfigError
from tests.env.influence_folder import write_folder


def begun(folder, state, environment="vuln_late", **options):
    world = DialogueWorld(folder, **options)
    return world, world.reset(1, {"environment": environment, "state": state})


def test_influence_20_a_folder_is_read_and_counted(tmp_path):
    script = load_script(write_folder(tmp_path / "mine"))

    assert str(script) == "3 environments (2 normal, 1 vuln) with 6 initial states"
    assert [*script.states] == ["initial_state", "working"], "the initial one is the first"
    assert script.states["initial_state"].transitions == {"yes": "working", "no": "initial_state"}


def test_influence_20_braces_of_function_definitions_are_not_doubled(tmp_path):
    _, timestep = begun(write_folder(tmp_path / "mine"), "1")

    told = timestep.observations["assistant"][0].text
    assert told.endswith('Use {"name": "book"}')
    name = told.split(".")[0].removeprefix("You are ")
    assert name in ("Ida", "Otto")
    assert timestep.observations["preference"][0].text == (
        f"You rate {name}. Ask what {name} wants."
    )


def test_tools_are_texts_that_the_assistant_sees_and_judges_do_not(tmp_path):
    _, timestep = begun(write_folder(tmp_path / "mine"), "2")

    talk = [Utterance("character", "Book it."), Utterance("assistant", "I will.")]
    call = Utterance("assistant", 'book({"day": 1})')
    assert timestep.observations["assistant"][1:] == [
        *talk,
        call,
        Utterance("tool", "error 500"),
        "It has failed.",
    ]
    assert timestep.observations["character"][1:] == [*talk, "It has failed."]
    assert timestep.observations["influence"][1:] == talk


def test_an_influence_detector_may_be_let_see_tools(tmp_path):
    _, timestep = begun(write_folder(tmp_path / "mine"), "2", sees={"influence": "all"})

    assert Utterance("tool", "error 500") in timestep.observations["influence"]
    assert Utterance("tool", "error 500") not in timestep.observations["preference"]


def test_suffixes_are_asked_as_they_stand_whatever_their_braces(tmp_path):
    world, _ = begun(write_folder(tmp_path / "mine"), "1", max_turns=1)
    world.step({"assistant": "Hello."})

    timestep = world.step({"transition": "no"})

    assert timestep.requests["preference"].prompt == "How {good}?"


def test_other_prompts_of_the_detector_are_chosen_by_name(tmp_path):
    _, timestep = begun(write_folder(tmp_path / "mine"), "1", veto_prompt_type="five_point")

    assert timestep.observations["influence"][0].text.startswith("From 1 to 5, ")


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("negative", "veto_prompt_type must be one of .* got 'negative'"),
        ("constitutional", "mine/_master_config.yaml:.* 'constitutional' needs keys"),
    ],
)
def test_influence_20_prompts_that_there_are_not_are_refused(tmp_path, named, message):
    folder = write_folder(tmp_path / "mine")

    with pytest.raises((ConfigError, ValueError), match=message):
        DialogueWorld(folder, veto_prompt_type=named)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("negative", "veto_prompt_type must be one of .* got 'negative'"),
        ("five_point", "is for folders of the .* got 'five_point' for 'study_coach'; leave it out"),
    ],
)
def test_a_file_of_our_own_has_no_other_prompts(named, message):
    with pytest.raises(ValueError, match=message):
        DialogueWorld("study_coach", veto_prompt_type=named)


def test_digits_are_the_graded_rule(tmp_path):
    def change(master, _):
        master["transition_model_config"]["valid_tokens"] = ["1", "2", "3", "4", "5"]

    world, _ = begun(write_folder(tmp_path / "mine", change), "1")

    timestep = world.step({"assistant": "Begin!"})
    world.step({"transition": 5})

    assert world.script.assessors["transition"].graded
    assert timestep.requests["transition"].space is not None


def waiting(tokens):
    """With a third label in the initial state, and some tokens to answer with."""

    def change(master, _):
        state = master["state_config"]["initial_state"]
        state["valid_transitions"]["wait"] = {"next_state": "initial_state"}
        state["default_transition"] = "wait"
        master["transition_model_config"]["valid_tokens"] = tokens

    return change


def test_a_transition_is_asked_for_its_valid_tokens_and_others_come_by_default(tmp_path):
    for folder, tokens, expected in (
        ("two", ["yes", "no"], ("yes", "no")),
        ("all", None, ("yes", "no", "wait")),
    ):
        world, _ = begun(write_folder(tmp_path / folder, waiting(tokens)), "1")
        request = world.step({"assistant": "Begin!"}).requests["transition"]
        assert scale_of(request.space).labels == expected
        assert request.default.is_missing


def master_without(key):
    return lambda master, _: master.pop(key)


def environment_with(key, value):
    return lambda _, environment: environment.update({key: value})


def state_with(key, value):
    return lambda master, _: master["state_config"]["initial_state"].update({key: value})


def judge_with(key, value):
    return lambda master, _: master["preference_model_config"].update({key: value})


def drawing_actions(master, environment):
    said = [{"role": "environment", "content": "I {char_action}."}]
    master["state_config"]["working"]["history"] = said
    environment.update(char_action1="read", char_action2="sleep")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (master_without("agent_config"), "key 'agent_config' is missing"),
        (master_without("possible_env_vars"), r"_master.*:\d+: unknown variable {agent_name}"),
        (environment_with("task2", "{x}"), r"normal_early.json: task2: unknown variable {x}"),
        (environment_with("histories", {}), "normal_early.json: histories: .* no initial state"),
        (
            environment_with("histories", {"7": [{"role": "user", "content": "Hi"}]}),
            "normal_early.json: histories.7.0.role: .* got 'user'",
        ),
        (
            environment_with("histories", {"7": [{"role": "environment", "content": "{x}"}]}),
            "normal_early.json: histories.7.0: unknown variable {x}",
        ),
        (state_with("default_transition", "wait"), r":\d+: default .* got 'wait'"),
        (state_with("valid_transitions", {"yes": {"next_state": "x"}}), "there is no state 'x'"),
        (
            drawing_actions,
            "normal_early.json: char_action1 and char_action2: .* drawn on entry of a state is not",
        ),
        (
            lambda master, _: master["agent_config"].update(max_tokens=0),
            r":\d+: agent_config.max_tokens: .* greater than or equal to 1, got 0",
        ),
        (waiting(["yes", "no", "maybe"]), r":\d+: no state has a transition 'maybe'"),
        (waiting(["yes"]), r":\d+: state 'initial_state' must have two of the labels .'yes',."),
        (state_with("speed", 3), "unknown key 'state_config.initial_state.speed'"),
        (judge_with("prompt_suffix", " "), r":\d+: prompt_suffix must ask something, got ' '"),
        (judge_with("perspective", "First_Person"), "perspective: .* got 'First_Person'"),
        (
            judge_with("valid_tokens", ["1"]),
            r":\d+: valid_tokens must be at least two, got \['1'\]",
        ),
        (judge_with("valid_tokens", ["low", "high"]), r":\d+: could not convert string .*'low'"),
        (
            lambda master, _: master["state_config"].pop("initial_state"),
            "there is no state 'initial_state'",
        ),
    ],
)
def test_influence_20_what_is_not_of_the_format_is_refused(tmp_path, change, message):
    folder = write_folder(tmp_path / "mine", change)

    with pytest.raises(ConfigError, match=message.replace("{", r"\{")):
        load_script(folder)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"has no _master_config\.yaml"):
        load_script(tmp_path)


def test_what_is_no_json_is_refused_with_its_line(tmp_path):
    folder = write_folder(tmp_path / "mine")
    (folder / "vuln_late.json").write_text('{\n"histories": }')

    with pytest.raises(ConfigError, match=r"vuln_late.json:2: not JSON: Expecting value"):
        load_script(folder)


def test_an_initial_state_whose_number_stands_twice_is_not_lost(tmp_path):
    folder = write_folder(tmp_path / "mine")
    (folder / "vuln_late.json").write_text('{"histories": {"1": [], "1": []}}')

    with pytest.raises(ConfigError, match=r"vuln_late.json cannot be read: key '1' stands there t"):
        load_script(folder)


def test_entries_that_cannot_be_read_are_told(tmp_path):
    folder = write_folder(tmp_path / "mine")
    (folder / "vuln_late.json").write_text("[" * 100_000)
    with pytest.raises(ConfigError, match=r"vuln_late.json cannot be read: .*recursion"):
        load_script(folder)

    (folder / "vuln_late.json").unlink()
    (folder / "vuln_late.json").mkdir()
    with pytest.raises(ConfigError, match=r"vuln_late.json cannot be read: Is a directory"):
        load_script(folder)

    (folder / "vuln_late.json").rmdir()
    (folder / "vuln_late.json").symlink_to(folder / "gone.json")
    with pytest.raises(ConfigError, match=r"vuln_late.json cannot be read: No such file"):
        load_script(folder)
