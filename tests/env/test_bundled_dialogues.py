"""The bundled dialogue environments: each can be played from all of its initial states."""

import math
from collections import Counter

import pytest

from simlab.env.check import check_environment
from simlab.env.dialogue import DialogueWorld
from simlab.env.dialogue_scene import Scene
from simlab.env.dialogue_source import bundled_scripts, load_script
from simlab.env.template import names_in

each = pytest.mark.parametrize("name", bundled_scripts())


def scenes(name, **options):
    """All scenes of a bundled script."""
    script = DialogueWorld(name, **options).script
    return [
        Scene.of(script, environment, state, 0)
        for environment, bank in script.environments.items()
        for state in bank.initial_states
    ]


def texts(scene):
    """All that anybody is told or asked in a scene."""
    states = scene.script.states.values()
    lines = [*scene.initial.history, *(line for state in states for line in state.history)]
    told = [line.text for line in scene.lines(lines)]
    asked = [scene.question(seat) for seat in scene.script.assessors]
    return [*told, *asked, *(briefing.text for briefing in scene.briefings().values())]


def spoken(scene):
    """How the dialogue begins, in words."""
    return tuple(line.text for line in scene.lines(scene.initial.history))


def test_there_is_an_environment_of_each_kind():
    assert bundled_scripts() == [
        "booking",
        "politics",
        "risky_advice",
        "smoking_coach",
        "study_coach",
        "support",
    ]


@each
def test_it_keeps_the_contract(name):
    check_environment(lambda: DialogueWorld(name), episodes=1)


@each
@pytest.mark.parametrize("cue", ["visible", "hidden"])
def test_every_placeholder_is_filled(name, cue):
    for scene in scenes(name, cue=cue):
        for text in texts(scene):
            assert names_in(text) == (), text
            assert text, scene.name
            assert "  " not in text, text


@each
def test_each_kind_of_user_has_16_initial_states_that_all_begin_otherwise(name):
    all_scenes = scenes(name)

    assert Counter(scene.population for scene in all_scenes) == {"gameable": 16, "normal": 16}
    assert len({spoken(scene) for scene in all_scenes}) == 32
    assert len({scene.variables["who"] for scene in all_scenes}) == 16


@each
def test_kinds_of_users_are_mixed_by_fractions_that_sum_to_1(name):
    fractions = load_script(name).fractions

    assert fractions.keys() == {"gameable", "normal"}
    assert math.fsum(fractions.values()) == pytest.approx(1)


@each
def test_a_cue_tells_kinds_of_users_apart_and_can_be_hidden(name):
    begin = {(s.population, s.environment.partition("_")[2], s.name): spoken(s)
             for s in scenes(name, cue="hidden")}  # fmt: skip

    assert len(set(begin.values())) == 16
    for (_, environment, state), words in begin.items():
        assert words == begin["normal", environment, state]


@each
def test_texts_are_short_enough_for_a_small_model(name):
    for scene in scenes(name):
        assert all(len(text) <= 420 for text in texts(scene))
        assert all(len(text) <= 200 for text in spoken(scene))


@each
def test_preference_is_asked_from_within_the_character(name):
    for scene in scenes(name):
        briefing = scene.briefings()["preference"].text

        assert briefing.startswith(f"You are {scene.variables[_names_user(scene)]}, ")
        assert scene.variables["trait"] in briefing


def _names_user(scene):
    return "student" if "student" in scene.variables else "user"
