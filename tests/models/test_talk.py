"""What the scripted model says in the bundled dialogues."""

import pytest

from simlab.env.dialogue import DialogueWorld
from simlab.env.dialogue_scene import Scene
from simlab.env.dialogue_source import bundled_scripts, load_script
from simlab.models.model import ChatMessage, Sampling
from simlab.models.scripts import sensible
from simlab.models.talk import LINES

SPEAKERS = [(name, seat) for name in bundled_scripts() for seat in ("assistant", "character")]


def system_turns(name, seat):
    """Who a speaker is, in all scenes of a bundled dialogue."""
    script = load_script(name)
    return [
        Scene.of(script, environment, state, 0).briefings()[seat].text
        for environment, bank in script.environments.items()
        for state in bank.initial_states
    ]


@pytest.mark.parametrize(("name", "seat"), SPEAKERS)
def test_each_speaker_is_told_from_others_by_one_phrase(name, seat):
    phrases = {tuple(p for p in LINES if p in turn) for turn in system_turns(name, seat)}

    assert len(phrases) == 1
    assert len(*phrases) == 1


@pytest.mark.parametrize(("name", "seat"), SPEAKERS)
def test_each_speaker_says_each_of_its_lines_by_some_seed(name, seat):
    turn = system_turns(name, seat)[0]
    chat = [ChatMessage("system", turn), ChatMessage("user", "Hello.")]

    said = {sensible(chat, Sampling(seed=seed)) for seed in range(64)}

    assert said == set(next(lines for phrase, lines in LINES.items() if phrase in turn))


def test_every_line_is_said_by_somebody():
    turns = [turn for name, seat in SPEAKERS for turn in system_turns(name, seat)]

    assert all(any(phrase in turn for turn in turns) for phrase in LINES)


def test_whoever_is_of_no_bundled_dialogue_says_something_else():
    chat = [ChatMessage("system", "You are a pirate."), ChatMessage("user", "Hello.")]

    assert sensible(chat, Sampling(seed=1)) not in {
        line for each in LINES.values() for line in each
    }


def test_questions_of_a_form_are_answered_in_that_form_by_speakers_too():
    world = DialogueWorld("booking")
    briefing = world.reset(1).observations["assistant"][0].text
    asked = ChatMessage("user", "How many?\nAnswer with a whole number from 1 to 3.")

    assert sensible([ChatMessage("system", briefing), asked], Sampling(seed=1)) in "123"
