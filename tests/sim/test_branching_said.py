"""Branches: what may be said in them, and those that cannot be made."""

import pytest

from simlab.errors import ConfigError
from tests.sim.records import contents, deeds, replayed

WORLDS = "tests.sim.worlds"


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


def test_an_action_that_is_on_its_way_gives_way_to_what_is_said(relay, branch):
    ringer = {"agent": f"{WORLDS}:Ringer"}
    parent = relay(
        world=f"{WORLDS}:Bells",
        options={"ringers": 2},
        cast={"bell_0": ringer, "bell_1": {**ringer, "period": 5.0}},
        clock={"latency": "fixed", "seconds": 2.5},
    )
    turns = [(t.step, t.acted.seat, t.now) for t in parent.episode(0).turns()]

    made = branch(parent, step=2, say={"bell_1": "gong"})

    assert turns[1:3] == [(1, "bell_0", 6.0), (2, "bell_1", 7.5)]
    said = made.episode(0).turns()[2]
    assert (said.acted.seat, said.acted.action, said.now) == ("bell_1", "gong", 6.0)
    assert replayed(made) == 1


def test_on_a_real_clock_a_seat_that_is_busy_stops_for_what_is_said(relay, branch):
    cast = {"ann": {"agent": f"{WORLDS}:Chatter"}, "bob": {"agent": f"{WORLDS}:Sleeper"}}
    clock = {"kind": "real", "speed": 1000.0}
    parent = relay(world=f"{WORLDS}:Farewell", cast=cast, clock=clock)

    made = branch(parent, step=1, say={"bob": "Fire!"})

    assert deeds(parent) == ["well ()", "well ()"]
    assert deeds(made) == ["well ()", "well ()", "Fire!"]
    assert replayed(made) == 1
