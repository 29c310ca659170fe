"""What cannot be made for one episode fails that episode, and the others are played."""

import pytest

from simlab.trace.events import Outcome
from tests.sim.records import replayed

PICKY = """
import itertools
from tests.sim.judges import SilentJudge
from tests.sim.worlds import Chatter, Relay

made = itertools.count()

class PickyWorld(Relay):
    def __init__(self):
        super().__init__()
        if next(made) % 3 == 1:  # after that of the rehearsal that of the first episode
            raise ValueError("the second of three")

class PickyAgent(Chatter):
    def __init__(self, seed):
        super().__init__()
        refuse_odd(seed)

class PickyJudge(SilentJudge):
    def __init__(self, seed):
        refuse_odd(seed)

def refuse_odd(seed):
    if seed % 2:
        raise ValueError("odd")
"""
"""What can be made at some times, and not at others."""


def failure(run, episode):
    return run.log.core(run.log.end(episode), Outcome).failed


@pytest.mark.parametrize(
    ("boundary", "message", "keys"),
    [
        (
            "environment",
            "the world raised ValueError: the second of three",
            {"world": "my_world.py:PickyWorld"},
        ),
        (
            "agent",
            "the agent in seat 'ann' raised ValueError: odd",
            {"cast": {"ann": {"agent": "my_world.py:PickyAgent"}, "bob": {"agent": "random"}}},
        ),
        (
            "judge",
            "judge 'j' raised ValueError: odd",
            {"judges": {"j": {"agent": "my_world.py:PickyJudge"}}},
        ),
    ],
)
def test_what_cannot_be_made_for_an_episode_fails_it_alone(
    relay, own_file, boundary, message, keys
):
    own_file(PICKY)

    run = relay(episodes=2, seed=8, **keys)

    failed, played = failure(run, 0), failure(run, 1)
    assert (failed.boundary, failed.message, played) == (boundary, message, None)
    assert relay(episodes=2, seed=8, resume=True, **keys).digest == run.digest
    assert replayed(run) == 2, "it cannot be made again"
