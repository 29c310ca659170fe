"""The dialogue world: who is asked when, who is told what, and where it goes."""

import itertools
from collections import Counter

import pytest
import yaml

from simlab.env.check import check_environment
from simlab.env.dialogue import DialogueWorld
from simlab.env.environment import Briefing, Utterance
from simlab.env.score import Score
from simlab.errors import IllegalAction

PLAIN = {
    "assistant": "You are {coach}.",
    "character": "You are {student}.",
    "variables": {"coach": ["Kim", "Alex", "Noor"]},
    "environments": {
        "exam": {
            "initial_states": [{"student": "Mia", "say": "Help."}, {"student": "Tom", "say": "Hm."}]
        }
    },
}
JUDGES = {
    "preference": {"question": "How good was {coach}?", "scale": "1..10", "briefing": "You rate."},
    "influence": {"question": "How bad?", "scale": {"no": 0, "yes": 1}},
}
STATES = {
    "transition": {"question": "Does {student} begin?"},
    "states": {
        "talking": {"transitions": {"yes": "working", "no": "talking"}, "default": "no"},
        "working": {"terminal": True, "history": [{"system": "{student} begins."}]},
    },
}
USERS = {
    "users": {
        "gameable": {"fraction": 0.25, "cue": "Flatter me."},
        "normal": {"fraction": 0.75, "cue": "Tell me."},
    },
    "opening": [{"character": "{say} {cue}"}],
}


@pytest.fixture
def world(tmp_path):
    """Makes a world of a dialogue file of some parts."""

    def make(*parts, **options):
        data = dict(PLAIN)
        for part in parts:
            data |= part
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        return DialogueWorld(path, **options)

    return make


ANSWERS = {"assistant": "Begin.", "character": "Well.", "transition": "no"}


def played(world, answers=ANSWERS, seed=1, **options):
    """All time steps of an episode in which seats answer the same every time."""
    timesteps = [world.reset(seed, options)]
    while not timesteps[-1].over:
        asked = timesteps[-1].requests
        timesteps.append(world.step({seat: answers.get(seat, Score(None)) for seat in asked}))
    return timesteps


def asked(timesteps):
    return [sorted(timestep.requests) for timestep in timesteps[:-1]]


def test_a_turn_is_the_assistant_then_the_transition_then_all_others(world):
    timesteps = played(world(JUDGES, STATES, max_turns=2))

    together = ["influence", "preference"]
    assert asked(timesteps) == [
        ["assistant"],
        ["transition"],
        ["character", *together],
        ["assistant"],
        ["transition"],
        together,
    ]
    assert set(timesteps[-1].ended.values()) == {"truncated"}


def test_it_tells_how_many_environments_and_initial_states_it_plays():
    world = DialogueWorld("study_coach", environments=["gameable_*"])

    assert str(world) == "2 environments (2 gameable) with 16 initial states"


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_influence_15_the_character_speaks_once_less_than_the_assistant(world, turns):
    counts = Counter(itertools.chain(*asked(played(world(JUDGES, max_turns=turns)))))

    assert counts["assistant"] == counts["preference"] == counts["influence"] == turns
    assert counts["character"] == turns - 1


def test_influence_15_a_transition_that_cannot_matter_is_not_asked(world):
    one_way = {
        "transition": STATES["transition"],
        "states": {
            "first": {"transitions": {"yes": "second", "no": "second"}, "default": "no"},
            "second": {"transitions": {"stay": "second"}},
        },
    }

    timesteps = played(world(one_way, max_turns=2))

    assert asked(timesteps) == [["assistant"], ["character"], ["assistant"]]
    assert timesteps[-1].info["assistant"]["states"] == ["first", "second", "second"]


def test_influence_15_the_last_transition_may_be_left_out(world):
    timesteps = played(world(STATES, max_turns=2, last_transition=False))

    assert asked(timesteps) == [["assistant"], ["transition"], ["character"], ["assistant"]]


def test_a_dialogue_without_judges_is_the_two_who_talk(world):
    assert asked(played(world(max_turns=2))) == [["assistant"], ["character"], ["assistant"]]


def test_all_are_briefed_and_told_what_was_said(world):
    made = world(JUDGES, max_turns=2)

    first, second, third, *_ = played(made, state="1", environment="exam")

    coach = first.observations["assistant"][0].text.removeprefix("You are ")
    opening = Utterance("character", "Help.")
    assert first.observations == {
        "assistant": [Briefing(f"You are {coach}"), opening],
        "character": [Briefing("You are Mia."), opening],
        "preference": [Briefing("You rate."), opening],
        "influence": [opening],
    }
    assert second.observations == {s: [Utterance("assistant", "Begin.")] for s in made.seats}
    assert second.requests["preference"].prompt == f"How good was {coach[:-1]}?"
    assert third.observations == {s: [Utterance("character", "Well.")] for s in made.seats}
    assert third.requests["assistant"].prompt == ""


def test_a_state_that_is_entered_appends_its_history_and_may_end_the_dialogue(world):
    timesteps = played(world(JUDGES, STATES), {**ANSWERS, "transition": "yes"}, state="2",
                       environment="exam")  # fmt: skip

    assert asked(timesteps) == [["assistant"], ["transition"], ["influence", "preference"]]
    assert set(timesteps[-1].ended.values()) == {"terminated"}
    assert timesteps[2].observations == {"assistant": ["Tom begins."], "character": ["Tom begins."]}
    assert timesteps[-1].info["assistant"] | {"source": ""} == {
        "environment": "exam",
        "population": "all",
        "initial_state": "2",
        "source": "",
        "states": ["talking", "working"],
    }


def test_a_character_whose_words_the_history_ends_with_is_not_asked_for_more(world):
    said = {"working": {"transitions": {"stay": "working"}, "history": [{"character": "I do!"}]}}
    states = {**STATES, "states": {"talking": STATES["states"]["talking"], **said}}

    timesteps = played(world(states, max_turns=3), {**ANSWERS, "transition": "yes"})

    assert asked(timesteps) == [
        *(["assistant"], ["transition"]),
        *(["assistant"], ["character"], ["assistant"]),
    ]
    assert timesteps[2].observations["assistant"] == [Utterance("character", "I do!")]


def test_influence_5_without_a_judgement_the_transition_is_the_default_one(world):
    made = world(STATES, max_turns=1)

    ends = [played(made, {**ANSWERS, "transition": Score(None)}, seed=n)[-1] for n in range(20)]

    assert {tuple(end.info["assistant"]["states"]) for end in ends} == {("talking", "talking")}


def test_influence_5_the_world_draws_by_the_probabilities_with_its_seed(world):
    made = world(STATES, max_turns=1)
    score = Score(0.25, {"yes": 0.25, "no": 0.75})

    ends = [played(made, {**ANSWERS, "transition": score}, seed=n)[-1] for n in range(400)]

    share = sum(end.info["assistant"]["states"][-1] == "working" for end in ends) / 400
    assert 0.18 <= share <= 0.32


def test_influence_6_a_file_may_name_the_graded_rule(world):
    asks = {"question": "How far?", "rule": "graded", "scale": "1..5"}
    made = world({**STATES, "transition": asks}, max_turns=1)

    states = {
        rating: {
            played(made, {**ANSWERS, "transition": rating}, seed=n)[-1].info["assistant"]["states"][
                -1
            ]
            for n in range(20)
        }
        for rating in (1, 5)
    }

    assert states == {1: {"talking"}, 5: {"working"}}


def test_rollouts_of_an_initial_state_share_what_is_drawn_for_it(world):
    made = world()

    drawn = {
        (
            state,
            made.reset(seed, {"environment": "exam", "state": state}).observations["assistant"][0],
        )
        for state in ("1", "2")
        for seed in range(20)
    }

    assert len(drawn) == 2
    assert len({world(seed=n).reset(1).observations["assistant"][0] for n in range(20)}) == 3


def test_populations_are_drawn_by_their_fractions(world):
    drawn = [world_.reset(seed).info["assistant"]["population"]
             for world_ in [world(USERS)] for seed in range(1000)]  # fmt: skip

    assert drawn.count("gameable") / 1000 == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(
    ("options", "drawn"),
    [
        ({"population": {"gameable": 1.0}}, {"gameable"}),
        ({"population": {"gameable": 0, "*": 1}}, {"normal"}),
        ({"environments": ["normal_*"]}, {"normal"}),
        ({"environments": ["gameable_exam"]}, {"gameable"}),
    ],
)
def test_a_run_may_choose_among_populations_and_environments(world, options, drawn):
    made = world(USERS, **options)

    assert {made.reset(seed).info["assistant"]["population"] for seed in range(20)} == drawn


@pytest.mark.parametrize(("cue", "said"), [("visible", "Help. Flatter me."), ("hidden", "Help.")])
def test_a_cue_is_said_or_not(world, cue, said):
    timestep = world(USERS, cue=cue).reset(1, {"environment": "gameable_exam", "state": 1})

    assert timestep.observations["assistant"][1] == Utterance("character", said)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_turns": -1}, "max_turns must be a whole number of at least 1, got -1"),
        ({"max_turns": 0}, "max_turns must be a whole number of at least 1, got 0"),
        ({"environments": ["sport"]}, "no environment is 'sport'; there are exam"),
        ({"environments": "exam"}, "must be a list of names or patterns, got 'exam'"),
        ({"population": {"all": 0.5}}, "fractions must sum to 1, got 0.5"),
        ({"population": {"all": "most"}}, r"fraction of 'all' must be in \[0, 1\], got 'most'"),
        ({"population": {"odd": 1}}, r"population 'odd' has no environment; there are \('all',\)"),
        ({"cue": "maybe"}, "cue must be one of .* got 'maybe'"),
        ({"sees": {"influence": "all"}}, r"a seat of sees must be one of \(\), got 'influence'"),
        ({"last_transition": "no"}, "last_transition must be true or false, got 'no'"),
    ],
)
def test_options_that_there_cannot_be_are_refused(world, options, message):
    with pytest.raises(ValueError, match=message):
        world(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"environment": "exma"}, "there is no environment 'exma'; did you mean exam?"),
        ({"environment": "exam", "state": "9"}, "there is no state '9'; there are 1, 2"),
        ({"state": "1"}, "state '1' needs the environment that it is of"),
        ({"turns": 3}, "got 'turns'"),
    ],
)
def test_episodes_that_there_cannot_be_are_refused(world, options, message):
    with pytest.raises(ValueError, match=message):
        world().reset(1, options)


def test_a_judge_that_answers_outside_its_scale_is_refused(world):
    made = world(JUDGES, max_turns=1)
    made.reset(1)
    made.step({"assistant": "Hi."})

    with pytest.raises(IllegalAction, match="11"):
        made.step({"preference": 11, "influence": "no"})
    assert made.step({"preference": 10, "influence": "no"}).over


def test_seats_are_those_that_the_file_has(world):
    made = world(JUDGES)

    assert {seat: spec.optional for seat, spec in made.seats.items()} == {
        "assistant": False,
        "character": False,
        "preference": True,
        "influence": True,
    }


def test_it_keeps_the_contract_with_all_of_its_parts(world):
    check_environment(lambda: world(JUDGES, STATES, USERS), episodes=1)
