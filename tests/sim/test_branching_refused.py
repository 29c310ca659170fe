"""Branches that cannot be made, and of which nothing is made."""

import pytest

from simlab.errors import ConfigError
from tests.sim.branches import contents, deeds, replayed

WORLDS = "tests.sim.worlds"
JUDGES = "tests.sim.judges"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 9}, r"episode 0 has 4 steps; --step must be in 0\.\.4, got 9"),
        ({"step": -1}, r"--step must be in 0\.\.4, got -1"),
        ({"step": 1, "episode": 3}, r"has no episode 3; it has 0\.\.1"),
        ({"step": 1, "say": {"ann": "No."}}, "seat 'ann' is not asked at step 1; .* bob"),
        ({"step": 4, "say": {"ann": "No."}}, "seat 'ann' is not asked at step 4; there are none"),
        ({"step": 1, "samples": 2}, "2 samples without a seed would all be the same; give --seed"),
        ({"step": 1, "settings": ["options.turns=3"]}, "a branch can change cast, judges, models"),
        ({"step": 1, "settings": ["seed=3"]}, "a branch can change cast, judges, models"),
        ({"step": 1, "settings": ["cast.bib.goal=x"]}, "cast.bib: the world has no seat 'bib'"),
        ({"step": 1, "settings": ["cast"]}, "--set takes KEY=VALUE"),
    ],
)
def test_a_branch_that_cannot_be_made_is_refused_and_nothing_is_made(
    relay, branch, tmp_path, options, message
):
    parent = relay(episodes=2, cast={"ann": {}, "bob": {}})

    with pytest.raises(ConfigError, match=message):
        branch(parent, **options)
    assert not (tmp_path / "branch").exists()


@pytest.mark.parametrize("clock", [{"kind": "simulated"}, {"kind": "real"}])
def test_what_is_no_action_of_the_space_is_refused_and_nothing_is_made(
    relay, branch, tmp_path, clock
):
    world = "simlab.env.iterated_dilemma:IteratedDilemma"
    parent = relay(world=world, cast={"*": {}}, clock=clock)
    before = contents(parent)

    for step in (0, 1):
        with pytest.raises(ConfigError, match=r"'maybe' is no action of seat 'first' here: .*JSON"):
            branch(parent, step=step, say={"second": "cooperate", "first": "maybe"})

    assert not (tmp_path / "branch").exists()
    assert contents(parent) == before


def test_what_is_said_is_checked_against_what_the_branch_of_a_branch_is_asked(relay, branch):
    parent = relay(options={"turns": 6}, cast={"*": {"agent": f"{WORLDS}:Chatter"}})
    first = branch(parent, step=2, say={"ann": "No."}, out="first")

    made = branch(first, step=4, say={"ann": "Never."}, out="second")

    assert (deeds(made)[2], deeds(made)[4]) == ("No.", "Never.")
    assert replayed(made) == 1
