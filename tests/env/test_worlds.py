"""What every bundled world must do, whatever its rules."""

import ast
import copy
import importlib
import json
import pkgutil
import random
import socket
from pathlib import Path

import numpy as np
import pytest
from pydantic_core import to_json

import simlab.env
from simlab.env.auction import Auction
from simlab.env.car_sale import CarSale
from simlab.env.check import check_environment
from simlab.env.contract import WatchedWorld
from simlab.env.dialogue import DialogueWorld
from simlab.env.environment import Environment
from simlab.env.iterated_dilemma import IteratedDilemma
from simlab.env.legal import EpisodeOverError
from simlab.env.market_day import MarketDay
from simlab.env.rollout import at_random, idly, play, turn_by_turn
from simlab.env.round_table import RoundTable
from simlab.env.spaces import fit

WORLDS = {
    "car_sale": (CarSale, {}, 12),
    "car_sale of one round": (CarSale, {"max_rounds": 1, "starts": "seller"}, 2),
    "iterated_dilemma": (IteratedDilemma, {}, None),
    "iterated_dilemma with talk": (IteratedDilemma, {"talk": True, "rounds": 3}, None),
    "auction": (Auction, {}, None),
    "auction of first prices": (Auction, {"bidders": 5, "price_rule": "first"}, None),
    "round_table": (RoundTable, {}, None),
    "round_table of five": (RoundTable, {"speakers": 5, "choices": ["a", "b", "c"]}, None),
    "market_day": (MarketDay, {}, None),
    "market_day with few crates": (MarketDay, {"vendors": 1, "stock": 2, "buyers": 5}, None),
    "dialogue": (DialogueWorld, {"path": "study_coach"}, None),
    "dialogue of one turn": (DialogueWorld, {"path": "study_coach", "max_turns": 1}, None),
    "market_day in a hurry": (MarketDay, {"answer_s": 1, "pause_s": 2, "duration_s": 30}, None),
}


@pytest.fixture(params=WORLDS, ids=str)
def make(request):
    kind, options, _ = WORLDS[request.param]
    return lambda: kind(**options)


def episode(make, seed, *, policy=at_random, options=None):
    watched = WatchedWorld(make())
    rng = np.random.default_rng(seed)
    return play(watched, seed, options, rng=rng, policy=policy, max_steps=2000)


def log_of(watched, recording):
    """What a run would write down: every turn and every time step, as bytes."""
    lines = [
        to_json([turn.actions, turn.now], fallback=repr)
        for _, turn in turn_by_turn(watched, recording)
    ]
    return b"\n".join([*lines, json.dumps(watched.plain).encode()])


@pytest.mark.parametrize("name", WORLDS)
def test_every_bundled_world_keeps_the_contract(name):
    kind, options, limit = WORLDS[name]

    check_environment(lambda: kind(**options), limit=limit)


@pytest.mark.parametrize(
    "name",
    [
        "car_sale:CarSale",
        "iterated_dilemma:IteratedDilemma",
        "auction:Auction",
        "round_table:RoundTable",
        "market_day:MarketDay",
    ],
)
def test_worlds_are_found_by_name_and_need_no_options(name):
    module, _, attribute = name.partition(":")

    world = getattr(importlib.import_module(f"simlab.env.{module}"), attribute)()

    assert isinstance(world, Environment)
    assert all(spec.role for spec in world.seats.values())


def test_env_5_fresh_and_reused_worlds_write_the_same_bytes(make):
    recording = episode(make, 1)
    reused = WatchedWorld(make())

    log_of(reused, episode(make, 2))

    assert log_of(reused, recording) == log_of(WatchedWorld(make()), recording)


def test_env_5_eight_interleaved_worlds_write_the_same_bytes(make):
    recording = episode(make, 1)
    expected = log_of(WatchedWorld(make()), recording)
    worlds = [WatchedWorld(make()) for _ in range(8)]

    state = random.getstate()
    for number, _ in enumerate(zip(*(turn_by_turn(w, recording) for w in worlds), strict=True)):
        random.seed(number)
    random.setstate(state)

    assert {json.dumps(world.plain).encode() for world in worlds} == {expected.rpartition(b"\n")[2]}


def test_other_seeds_give_other_episodes(make):
    lasting = {json.dumps(episode(make, seed).plain) for seed in range(6)}

    assert len(lasting) > 1


def test_env_7_actions_read_back_from_json_reproduce_the_episode(make):
    recording = episode(make, 3)
    world = make()
    timestep = world.reset(recording.seed)
    watched = WatchedWorld(make())

    for told, turn in turn_by_turn(watched, recording):
        assert to_json(timestep.observations) == to_json(told.observations)
        data = json.loads(to_json(turn.actions, fallback=repr))
        actions = {
            seat: turn.actions[seat]
            if action == "PASS"
            else fit(timestep.requests[seat].space, action)
            for seat, action in data.items()
        }
        timestep = world.step(actions, turn.now)

    assert timestep.over
    assert to_json(timestep.rewards) == to_json(watched.steps[-1].rewards)


def test_env_13_nothing_but_defaults_plays_an_episode_to_its_end(make):
    recording = episode(make, 1, policy=idly)

    assert recording.plain[-1]["ended"]


def test_env_15_every_seat_ends_once_and_is_asked_nothing_after(make):
    recording = episode(make, 4)
    ended = {}

    for told in recording.plain:
        assert not set(ended) & {*told["requests"], *told["rewards"], *told["ended"]}
        ended |= told["ended"]

    assert set(ended) == set(make().seats)


def test_env_17_worlds_play_with_sockets_blocked(make, monkeypatch):
    def blocked(*_, **__):
        raise AssertionError("a world opened a socket")

    monkeypatch.setattr(socket, "socket", blocked)

    assert episode(make, 5).turns


def test_env_17_no_module_of_worlds_imports_what_calls_out_or_reads_a_clock():
    forbidden = {"simlab.models", "simlab.agents", "simlab.actors", "simlab.sim", "simlab.trace"}
    forbidden |= {"socket", "asyncio", "time", "datetime", "http", "urllib", "os", "threading"}
    root = Path(simlab.env.__file__).parent

    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not any((name + ".").startswith(bad + ".") for bad in forbidden), path


def test_interlab_21_two_worlds_that_part_midway_do_not_end_together(make):
    """InterLab copied a world midway; here a second world is played up to the same step."""
    recording = episode(make, 6)
    first, second = WatchedWorld(make()), WatchedWorld(make())
    half = 1 + len(recording.turns) // 2
    one, other = turn_by_turn(first, recording), turn_by_turn(second, recording)

    for _ in range(half):
        next(one)
        next(other)
    for _ in one:
        pass

    assert len(first.steps) == len(recording.turns) + 1
    assert len(second.steps) == half
    assert not second.steps[-1].over


def test_interlab_21_stepping_a_world_that_is_over_or_never_began_raises(make):
    watched = WatchedWorld(make())
    with pytest.raises(EpisodeOverError, match="expected an episode under way"):
        watched.world.step({}, 0.0)

    for _ in turn_by_turn(watched, episode(make, 1)):
        pass

    with pytest.raises(EpisodeOverError, match="expected an episode under way"):
        watched.world.step({}, 1e9)


def test_what_is_said_to_one_seat_can_be_changed_without_another_noticing(make):
    world = make()
    timestep = world.reset(1)
    expected = copy.deepcopy(dict(timestep.observations))

    first, *others = timestep.observations.values()
    first.append("something else")

    assert list(timestep.observations.values())[1:] == list(expected.values())[1:]
    assert all("something else" not in seen for seen in others)


def test_an_option_of_an_episode_that_no_world_knows_is_refused(make):
    with pytest.raises(ValueError, match="got 'colour_of_the_sky'"):
        make().reset(1, {"colour_of_the_sky": "green"})


def test_every_request_has_a_default_so_that_no_bad_answer_fails_an_episode(make):
    for told in episode(make, 9).plain:
        assert all(request["default"] != "UNSET" for request in told["requests"].values())


def test_prompts_and_observations_are_short_enough_for_a_small_model(make):
    for told in episode(make, 8).plain:
        for request in told["requests"].values():
            assert request["prompt"] == "" or 10 < len(request["prompt"]) <= 320
        for seen in told["observations"].values():
            assert all(len(str(one)) <= 260 for one in seen if isinstance(one, str))


def test_every_module_of_worlds_says_what_it_is():
    for module in pkgutil.walk_packages(simlab.env.__path__, "simlab.env."):
        assert importlib.import_module(module.name).__doc__
