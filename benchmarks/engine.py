"""The engine: CPU time of an agent's action, with a model that takes none and the log on.

Each action goes the whole way: the world asks, an `LlmAgent` remembers, prompts a scripted model
and reads its reply, the world steps, and the step is on the disk before anyone sees what follows.
"""

import asyncio
import sys
from pathlib import Path
from statistics import median

from benchmarks.measuring import Cost, Figures, fresh, measured, medians
from benchmarks.peer import Peer
from benchmarks.recording import sync
from benchmarks.report import Bar, progress, report
from benchmarks.runs import COMMAND, MOVES, TURNS, Play, process_s, scratch
from benchmarks.workload import LOADS, Load
from simlab.sim.launch import Launch
from simlab.sim.run import Run
from simlab.sim.simulation import Simulation

N_REPEATS = 3
N_STARTS = 5

PLAYS = {"turns": TURNS, "moves": MOVES}

BARS = (
    *[
        Bar(f"{play}.{load.name}.cpu_per_action_us", at_most=150)
        for play in PLAYS
        for load in LOADS
    ],
    *[  # sim-19
        Bar(f"{play}.1000_to_50_steps.{live}", at_most=1.1)
        for play in PLAYS
        for live in ("alone", "64_live")
    ],
    Bar("one_action_s", at_most=0.005),  # sim-20
    Bar("import_s", at_most=0.3),
    Bar("help_s", at_most=0.5),
)

PEERS = (
    Peer("inspect-ai", "inspect_ai"),
    Peer("autogen-core", "autogen_core"),
    Peer("gdm-concordia", "concordia"),
)


def measure() -> Figures:
    """All figures, each load in a process of its own."""
    figures: Figures = {}
    for name, play in PLAYS.items():
        costs: dict[str, Figures] = {}
        for load in LOADS:
            progress(f"{name}: {load.episodes} episodes, {load.name}")
            costs[load.name] = fresh(engine_costs, play, load)
        figures[name] = {**costs, "1000_to_50_steps": _ratios(costs)}
    progress("whole runs, one action, start")
    figures["sync"] = fresh(sync)
    figures["whole_run"] = fresh(whole_run_costs, LOADS[2])
    figures["one_action_s"] = fresh(one_action_s)
    for name, command in {
        "import_s": (sys.executable, "-c", "import simlab"),
        "help_s": (COMMAND, "--help"),
    }.items():
        figures[name] = median(process_s(*command) for _ in range(N_STARTS))
    return figures


def engine_costs(play: Play, load: Load) -> Figures:
    """Costs of an action, from the first reset to the last seal."""
    _play(play, Load(10, 2, 1))
    costs = [_play(play, load) for _ in range(N_REPEATS)]
    return medians(costs, load.n_actions * play.actions_each, "action")


def whole_run_costs(load: Load) -> Figures:
    """Costs of an action in all that `simlab run` does: with rehearsal, summary and tables."""
    costs = []
    for _ in range(N_REPEATS + 1):
        with scratch() as folder, measured() as cost:
            _launch(TURNS, load, folder).run()
        costs.append(cost)
    return medians(costs[1:], load.n_actions, "action")  # the first one imported pandas


def one_action_s() -> float:
    """Seconds that pass for an action in episodes of two, their resets and ends included."""
    load = Load(2, 200, 1)
    costs = [_play(TURNS, load) for _ in range(N_REPEATS)]
    return round(median(cost.wall_s for cost in costs) / load.n_actions, 6)


def _play(play: Play, load: Load) -> Cost:
    """What it costs to play a load."""
    with scratch() as folder:
        launch = _launch(play, load, folder)
        simulation = Simulation(launch.file, launch.directory, hosts=0)
        with measured() as cost:
            asyncio.run(simulation.run())
        play.check(Run(launch.directory.path), load.steps)
    return cost


def _launch(play: Play, load: Load, folder: Path) -> Launch:
    return play.launch(folder / "run", steps=load.steps, episodes=load.episodes, live=load.live)


def _ratios(costs: dict[str, Figures]) -> Figures:
    """What a step of a long episode costs, as a multiple of one of a short episode."""
    ratios: Figures = {}
    for live in ("alone", "64_live"):
        long, short = (costs[f"{live}_{steps}_steps"]["cpu_per_action_us"] for steps in (1000, 50))
        assert isinstance(long, float)
        assert isinstance(short, float)
        ratios[live] = round(long / short, 3)
    return ratios


if __name__ == "__main__":
    report("engine", measure, bars=BARS, peers=PEERS)
