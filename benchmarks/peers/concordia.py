# mypy: disable-error-code="import-not-found, misc"
"""Concordia: an action is a step of two minimal entities under the dialogic game master.

Its checkpoints are off, and its log is kept in memory: its cheapest form. A step asks the mock
model about eight times, since the game master decides by questions.
"""

import copy
import hashlib
import re
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from concordia.environment.engines import sequential
from concordia.prefabs.entity import minimal
from concordia.prefabs.game_master import dialogic
from concordia.prefabs.simulation import generic
from concordia.testing import mock_model
from concordia.typing import prefab
from numpy.typing import NDArray

from benchmarks.peers.episodes import print_figures
from benchmarks.workload import LOADS, REPLY, Load

CAST = prefab.Config(
    default_premise="A used car is for sale.",
    prefabs={"entity": minimal.Entity(), "master": dialogic.GameMaster()},
    instances=[
        prefab.InstanceConfig("entity", prefab.Role.ENTITY, {"name": "Robin", "goal": "Buy."}),
        prefab.InstanceConfig("entity", prefab.Role.ENTITY, {"name": "Sam", "goal": "Sell."}),
        prefab.InstanceConfig(
            "master", prefab.Role.GAME_MASTER, {"name": "rules", "acting_order": "fixed"}
        ),
    ],
)


class OutOfTimeError(Exception):
    """The time of a load is over."""


class Decliner(mock_model.MockModel):
    """Says the same each time, and answers no where it may, so that the dialogue goes on."""

    def sample_choice(
        self,
        prompt: str,
        responses: Sequence[str],
        **_sampling: Any,
    ) -> tuple[int, str, dict[str, float]]:
        """The letter that stands before ``No`` in the prompt, or the first one."""
        for number, response in enumerate(responses):
            if re.search(rf"\(?{re.escape(response)}\)? No\b", prompt):
                return number, response, {}
        return 0, responses[0], {}


def embed(text: str) -> NDArray[np.float64]:
    """A vector that follows from the text, for the associative memory."""
    digest = hashlib.blake2b(text.encode(), digest_size=64).digest()
    return np.frombuffer(digest, dtype=np.uint8).astype(np.float64)


def play(load: Load, deadline: float) -> int:
    """Play a load one episode after another; see `benchmarks.peers.episodes`."""
    return sum(_play_one(load.steps, deadline) for _ in range(load.episodes))


def _play_one(steps: int, deadline: float) -> int:
    if time.monotonic() > deadline:
        return 0
    simulation = generic.Simulation(copy.deepcopy(CAST), Decliner(REPLY), embed)
    done = 0

    def count(step: int) -> None:
        nonlocal done
        done = step
        if time.monotonic() > deadline:
            raise OutOfTimeError

    try:
        sequential.Sequential().run_loop(
            simulation.get_game_masters(),
            simulation.get_entities(),
            premise=CAST.default_premise,
            max_steps=steps,
            log=[],
            checkpoint_callback=count,
        )
    except OutOfTimeError:
        return done
    if done < steps:
        raise RuntimeError(f"the game master ended the dialogue after {done} of {steps} steps")
    return done


if __name__ == "__main__":
    print_figures(
        "gdm-concordia",
        play,
        loads=[load for load in LOADS if load.live == 1],  # an episode blocks its thread
        log="in memory, not durable",
        checkpoints="off",
    )
