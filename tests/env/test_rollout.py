from typing import Literal

import numpy as np
import pytest

from simlab.env.car_sale import HOLD, CarSale
from simlab.env.contract import EnvironmentContractError, WatchedWorld
from simlab.env.environment import ActionRequest, SeatSpec, TimeStep
from simlab.env.market_day import MarketDay
from simlab.env.rollout import at_random, idly, play, turn_by_turn
from simlab.env.script import script
from simlab.errors import IllegalAction

RNG = np.random.default_rng


def rollout(world, seed=1, policy=at_random, max_steps=500):
    watched = WatchedWorld(world)
    rng = RNG(seed)
    return play(watched, seed, None, rng=rng, policy=policy, max_steps=max_steps)


def test_a_recording_played_again_leads_to_the_same_time_steps():
    recording = rollout(MarketDay())
    watched = WatchedWorld(MarketDay())

    taken = [turn for _, turn in turn_by_turn(watched, recording)]

    assert tuple(taken) == recording.turns
    assert tuple(watched.plain) == recording.plain


def test_time_never_runs_backwards_and_stays_before_deadlines_and_wake():
    recording = rollout(MarketDay(), seed=4)
    times = [turn.now for turn in recording.turns]

    assert times == sorted(times)
    for told, turn in zip(recording.plain, recording.turns, strict=False):
        deadlines = [request["deadline"] for request in told["requests"].values()]
        assert turn.now <= min(time for time in (told["wake"], *deadlines) if time is not None)


@script({"walker": SeatSpec(space=int)})
def fenced(_seed, _options):
    """A world whose rule stands in no space: only even numbers may be named."""
    for _ in range(5):
        actions = yield TimeStep({"walker": ActionRequest(Literal[1, 2], default=2)})
        if actions["walker"] == 1:
            raise IllegalAction.of("walker", "1 is odd")
    yield TimeStep(ended={"walker": "terminated"})


def test_what_was_refused_on_the_way_is_recorded():
    recordings = [rollout(fenced(), seed) for seed in range(8)]

    refused = [bad for one in recordings for turn in one.turns for bad in turn.refused]

    assert refused
    assert all(bad.actions == {"walker": 1} for bad in refused)


def test_idle_play_is_made_of_defaults():
    recording = rollout(CarSale(), policy=idly)

    assert len(recording.turns) == 12
    assert all(set(turn.actions.values()) == {HOLD} for turn in recording.turns)


def test_idle_play_lets_time_pass_where_nobody_must_act():
    timestep = TimeStep({"a": ActionRequest(required=False)}, wake=9.0)

    assert idly(timestep, 2.0, RNG(0)).now == 9.0
    assert idly(timestep, 2.0, RNG(0)).actions == {}


@pytest.mark.parametrize("policy", [at_random, idly])
def test_somebody_acts_where_time_alone_brings_nothing(policy):
    timestep = TimeStep({"a": ActionRequest(bool, required=False)})

    assert all(policy(timestep, 0.0, RNG(seed)).actions for seed in range(10))


def test_an_episode_without_an_end_is_refused():
    with pytest.raises(EnvironmentContractError, match="expected an end within 3 steps, got none"):
        rollout(CarSale(), policy=idly, max_steps=3)
