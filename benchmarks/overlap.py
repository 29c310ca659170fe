"""Overlap: many episodes with a slow model take little longer than the slowest chain of calls.

Time is read from the log, from the first reset to the last end, so that the start of Ray and of its
hosts is left out. The critical path of an episode is its number of calls, one after another, times
the latency of the model; what it really takes alone is measured beside it.

What is shown and what is logged meanwhile must cost next to nothing, and nothing may hold up the
event loop: that is measured in this process, where all episodes share one (sim-21).
"""

import asyncio
import time
from contextlib import ExitStack
from io import StringIO
from statistics import median
from unittest.mock import patch

from rich.console import Console

from benchmarks.measuring import Cost, Figures, fresh, measured
from benchmarks.report import Bar, progress, report
from benchmarks.runs import TURNS, lasted_s, scratch
from benchmarks.workload import LIVE
from simlab.display import LiveView
from simlab.sim.simulation import Simulation
from simlab.trace.contents import reference_to
from simlab.trace.writer import SegmentWriter

LATENCY_S = 0.05
N_STEPS = 40
CRITICAL_PATH_S = N_STEPS * LATENCY_S

HOSTS = (0, 2)
N_REPEATS = 3

BARS = (
    *[Bar(f"hosts_{hosts}.to_critical_path", at_most=1.15) for hosts in HOSTS],
    Bar("beside.display_to_none", at_most=1.05),
    Bar("beside.log_to_none", at_most=1.05),
    Bar("longest_callback.cpu_s", at_most=0.05),
)


def measure() -> Figures:
    """Figures in this process alone and on two Ray hosts."""
    figures: Figures = {
        "latency_s": LATENCY_S,
        "n_steps": N_STEPS,
        "n_episodes": LIVE,
        "critical_path_s": CRITICAL_PATH_S,
    }
    progress("one episode alone")
    figures["alone_s"] = fresh(played_s, episodes=1, hosts=0)
    for hosts in HOSTS:
        progress(f"{LIVE} episodes, hosts={hosts}")
        took_s = [fresh(played_s, episodes=LIVE, hosts=hosts) for _ in range(N_REPEATS)]
        figures[f"hosts_{hosts}"] = {
            "played_s": median(took_s),
            "lowest_played_s": min(took_s),
            "highest_played_s": max(took_s),
            "to_critical_path": round(median(took_s) / CRITICAL_PATH_S, 3),
            "n_repeats": N_REPEATS,
        }
    progress("what is shown and logged meanwhile")
    figures["beside"] = _beside()
    longest = [fresh(longest_callback) for _ in range(N_REPEATS)]
    figures["longest_callback"] = {
        "cpu_s": round(median(cost.cpu_s for cost in longest), 4),
        "wall_s": round(median(cost.wall_s for cost in longest), 4),
        "n_repeats": N_REPEATS,
    }
    return figures


def _beside() -> Figures:
    """What a live display, and what the log, adds to the time that all episodes take."""
    plain_s, shown_s, unlogged_s = (
        median(fresh(simulated_s, display=display, log=log) for _ in range(N_REPEATS))
        for display, log in ((False, True), (True, True), (False, False))
    )
    return {
        "plain_s": plain_s,
        "with_display_s": shown_s,
        "without_log_s": unlogged_s,
        "display_to_none": round(shown_s / plain_s, 3),
        "log_to_none": round(plain_s / unlogged_s, 3),
        "n_repeats": N_REPEATS,
    }


def played_s(*, episodes: int, hosts: int) -> float:
    """Seconds from the first reset of a run to its last end."""
    with scratch() as folder:
        launch = TURNS.launch(
            folder / "run",
            steps=N_STEPS,
            episodes=episodes,
            live=episodes,
            hosts=hosts,
            latency_s=LATENCY_S,
        )
        run = launch.run()
        TURNS.check(run, N_STEPS)
        return round(lasted_s(run), 3)


def simulated_s(*, display: bool = False, log: bool = True) -> float:
    """Seconds that a simulation of all episodes takes in this process.

    Args:
        display: True: a terminal shows the transcript and a bar.
        log: False: what is to be written is forgotten.
    """
    with scratch() as folder, ExitStack() as beside:
        launch = TURNS.launch(
            folder / "run", steps=N_STEPS, episodes=LIVE, live=LIVE, latency_s=LATENCY_S
        )
        observer = None
        if display:
            console = Console(file=StringIO(), force_terminal=True)
            observer = beside.enter_context(LiveView(console, LIVE).shown())
        if not log:
            beside.enter_context(_no_log())
        simulation = Simulation(launch.file, launch.directory, observer=observer)
        with measured() as cost:
            asyncio.run(simulation.run())
    return round(cost.wall_s, 3)


def longest_callback() -> Cost:
    """The longest that any callback held up the event loop while all episodes were played.

    Wall-clock time includes what other processes take of the machine, and CPU time does not.
    """
    longest = Cost()
    run = asyncio.Handle._run  # what the event loop calls each time

    def timed(handle: asyncio.Handle) -> None:
        wall_s, cpu_s = time.perf_counter(), time.thread_time()
        run(handle)
        longest.cpu_s = max(longest.cpu_s, time.thread_time() - cpu_s)
        longest.wall_s = max(longest.wall_s, time.perf_counter() - wall_s)

    with patch.object(asyncio.Handle, "_run", timed):
        simulated_s()
    return longest


def _no_log() -> ExitStack:
    """Within the block, writers write nothing."""

    async def committed(_writer: SegmentWriter) -> None:
        """Nothing has to be waited for."""

    stack = ExitStack()
    nothing = patch.multiple(
        SegmentWriter,
        append=lambda *_: None,
        intern=lambda _writer, content, **_: reference_to(content),
        commit=committed,
    )
    stack.enter_context(nothing)
    return stack


if __name__ == "__main__":
    report("overlap", measure, bars=BARS)
