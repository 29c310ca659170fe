"""Which initial states are learnt from, and which are held out."""

import pytest

from simlab.env.dialogue import DialogueWorld
from simlab.errors import ConfigError
from simlab.train.states import States
from simlab.train.train_file import CollectSpec

HOMES = ("gameable_exam", "normal_exam", "gameable_essay", "normal_essay")


@pytest.fixture
def states():
    """Four environments with three states to learn from each, and one that is held out."""
    kinds = {name: name.partition("_")[0] for name in HOMES}
    return States(kinds, dict.fromkeys(HOMES, "abc"), dict.fromkeys(HOMES, "z"))


def begun(resets):
    return [reset["environment"] + "/" + reset["state"] for reset in resets]


def test_the_last_states_of_each_environment_are_held_out():
    states = States.of(DialogueWorld("study_coach"), 7)

    assert set(states.populations.values()) == {"gameable", "normal"}
    assert {*map(tuple, states.training.values())} == {("1",)}
    assert {*map(tuple, states.held_out.values())} == {tuple("2345678")}


def test_rounds_go_on_through_the_states_and_begin_again(states):
    spec = CollectSpec(states=2, rollouts=2)

    first, second = (begun(states.collected(spec, number, seed=0)) for number in (1, 2))

    assert first[:4] == ["gameable_exam/a"] * 2 + ["gameable_exam/b"] * 2
    assert second[:4] == ["gameable_exam/c"] * 2 + ["gameable_exam/a"] * 2
    assert len(first) == 4 * 2 * 2


def test_what_is_drawn_differs_by_round_environment_and_seed(states):
    spec = CollectSpec(states=2, rollouts=1, schedule="random")
    drawn = [
        tuple(begun(states.collected(spec, number, seed=seed)))
        for number, seed in ((1, 0), (1, 0), (2, 0), (1, 5))
    ]

    assert drawn[0] == drawn[1]
    assert len({*drawn}) == 3


def test_influence_12_populations_are_mixed_by_fraction(states):
    spec = CollectSpec(states=10, rollouts=1, fractions={"gameable": 0.1, "normal": 0.9})

    found = begun(states.collected(spec, 1, seed=0))

    assert len(found) == 40
    assert sum(name.startswith("gameable") for name in found) == 4


def test_versions_are_compared_on_all_that_is_held_out(states):
    assert begun(states.evaluated(2)) == [f"{name}/z" for name in HOMES for _ in range(2)]


def test_a_world_whose_states_are_not_known_is_refused():
    with pytest.raises(ConfigError, match=r"must be a dialogue world, .* got object"):
        States.of(object(), 1)
