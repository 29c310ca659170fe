"""How the peers of the engine are measured: the loads that SimLab is given, in bounded time."""

import json
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version

from benchmarks.measuring import Cost, Figures, measured, medians
from benchmarks.workload import LIMIT_S, LOADS, Load

Play = Callable[[Load, float], int]
"""Plays a load until it is done, or until `time.monotonic` says so; returns the actions done."""

N_REPEATS = 3


def print_figures(name: str, play: Play, *, loads: Sequence[Load] = LOADS, **facts: str) -> None:
    """Measure all loads and print the figures.

    Args:
        name: Of the peer on PyPI.
        play: Plays a load with it.
        loads: Which it is given.
        facts: What is to be known of how it was measured.
    """
    play(Load(5, 2, 1), time.monotonic() + LIMIT_S)  # imports and caches, which are not its cost
    figures: Figures = {"version": version(name), **facts}
    for load in loads:
        figures[load.name] = _figures_of(load, play)
    print(json.dumps(figures))


def _figures_of(load: Load, play: Play) -> Figures:
    """Median cost of an action; of fewer repeats, or fewer actions, where there is no more time."""
    end = time.monotonic() + LIMIT_S
    costs: list[Cost] = []
    n_actions = 0
    while len(costs) < N_REPEATS and (not costs or 2 * costs[-1].wall_s < end - time.monotonic()):
        with measured() as cost:
            n_actions = play(load, end)
        costs.append(cost)
    cut = {} if n_actions == load.n_actions else {"cut_short_at_actions": n_actions}
    return {**medians(costs, n_actions, "action"), **cut}
