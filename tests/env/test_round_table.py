import pytest

from simlab.env.environment import PASS, Utterance
from simlab.env.round_table import QUESTIONS, RoundTable
from simlab.errors import IllegalAction


def table(turns=1, **options):
    world = RoundTable(turns=turns, question="Tea?", **options)
    return world, world.reset(0)


def vote(world, **votes):
    world.step({"moderator": "speaker_1"})
    world.step({"speaker_1": "Well."})
    return world.step(dict.fromkeys(world.seats, PASS) | votes)


def test_the_moderator_calls_and_the_one_called_speaks_to_all():
    world, first = table()

    called = world.step({"moderator": "speaker_2"})
    said = world.step({"speaker_2": " I like tea. "})

    assert list(first.requests) == ["moderator"]
    assert list(called.requests) == ["speaker_2"]
    for seat in world.seats:
        assert called.observations[seat] == ["The moderator calls on speaker_2."]
        assert said.observations[seat] == [Utterance("speaker_2", "I like tea.")]


def test_nobody_is_called_twice_running():
    world, _ = table(turns=2)
    world.step({"moderator": "speaker_2"})
    asked = world.step({"speaker_2": "Tea."}).requests["moderator"]

    assert asked.legal == ["speaker_1", "speaker_3"]
    assert asked.prompt == "Turn 2 of 2. Who speaks next: speaker_1 or speaker_3?"
    with pytest.raises(IllegalAction, match="expected one of 'speaker_1', 'speaker_3', got 'sp"):
        world.step({"moderator": "speaker_2"})


def test_by_default_the_one_who_has_spoken_least_is_called():
    world, timestep = table(turns=6)
    called = []

    for _ in range(6):
        called.append(timestep.requests["moderator"].default)
        world.step({"moderator": called[-1]})
        timestep = world.step({called[-1]: "Hm."})

    assert called == ["speaker_1", "speaker_2", "speaker_3"] * 2


def test_env_9_all_vote_at_once_after_the_last_turn():
    world, _ = table()
    world.step({"moderator": "speaker_1"})

    asked = world.step({"speaker_1": "Yes."})

    assert set(asked.requests) == set(world.seats)
    with pytest.raises(IllegalAction, match="expected an action of 'moderator', got none"):
        world.step({"speaker_1": "yes"})


def test_the_option_with_most_votes_is_decided_on_and_announced():
    world, _ = table()

    end = vote(world, moderator="no", speaker_1="yes", speaker_2="yes", speaker_3="no")

    assert end.over
    assert end.observations["speaker_3"] == ["Votes: yes 2, no 2. Decided: no."]


def test_a_tie_without_the_moderators_vote_decides_nothing():
    world, _ = table()

    end = vote(world, speaker_1="yes", speaker_2="no")

    assert end.observations["moderator"] == ["Votes: yes 1, no 1. Nothing is decided."]
    assert end.info["speaker_3"] == {"vote": None, "decision": None}


def test_a_moderator_for_an_option_that_lost_breaks_no_tie():
    world, _ = table(choices=["tea", "milk", "beer"], speakers=4)

    votes = {"speaker_1": "tea", "speaker_2": "tea", "speaker_3": "milk", "speaker_4": "milk"}
    end = vote(world, moderator="beer", **votes)

    assert end.observations["moderator"] == ["Votes: tea 2, milk 2, beer 1. Nothing is decided."]


def test_without_any_vote_nothing_is_decided():
    world, _ = table()

    assert vote(world).observations["moderator"] == ["Votes: yes 0, no 0. Nothing is decided."]


def test_a_speaker_that_is_silent_is_told_to_be():
    world, _ = table()
    world.step({"moderator": "speaker_3"})

    assert world.step({"speaker_3": "  "}).observations["moderator"] == ["speaker_3 says nothing."]


def test_the_seed_chooses_a_question_where_none_is_given():
    world = RoundTable()

    asked = {world.reset(seed).observations["moderator"][0] for seed in range(60)}

    assert asked == {f"The question is: {question}" for question in QUESTIONS}


def test_the_question_of_an_episode_wins():
    world, _ = table()

    told = world.reset(0, {"question": "Coffee?"}).observations

    assert told["speaker_1"] == ["The question is: Coffee?"]


def test_all_ends_are_the_discussions_own():
    world, _ = table()

    end = vote(world, moderator="yes")

    assert end.ended == dict.fromkeys(world.seats, "terminated")
    assert end.rewards == {}


@pytest.mark.parametrize(
    "options",
    [
        {"speakers": 1},
        {"turns": 0},
        {"question": ""},
        {"choices": "yes"},
        {"choices": ["yes"]},
        {"choices": ["yes", "yes"]},
        {"choices": ["yes", ""]},
    ],
    ids=str,
)
def test_wrong_settings_are_refused_with_their_values(options):
    with pytest.raises(ValueError, match=r"must be .*, got"):
        RoundTable(**options)
