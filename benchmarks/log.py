"""The log: how fast events become durable, how it grows, and how soon a long one is open."""

import os
import shutil
from pathlib import Path

from benchmarks.measuring import Figures, fresh, measured
from benchmarks.recording import N_EVENTS, durable_events, spans, sync
from benchmarks.report import Bar, Quoted, progress, report
from benchmarks.runs import COMMAND, NEW_WORDS, TURNS, process_s, scratch
from benchmarks.scripts import N_WORDS
from benchmarks.workload import LIVE
from simlab.sim.run import Run
from simlab.sim.summary import FILE
from simlab.trace.directory import RunDirectory

TURN_COUNTS = (25, 50, 100, 200)
"""Lengths of the episodes whose logs are weighed; those of treetrace's figures."""

LONG_STEPS = 1_000
LONG_EPISODES = 250
"""Of the run whose opening is timed: a step writes four events, so these are a million."""

TORN_BYTES = 5
"""What the end of an unfinished run lacks."""

TREETRACE = Quoted(
    "treetrace",
    "own benchmark of InterLab's tracing; 2 shared cores, Python 3.11; not durable before its "
    "root ends, and not installable beside pydantic 2 with gradio 5 or later",
    {
        "bare": {"cpu_per_span_us": 9.0},
        "two_inputs": {
            "cpu_per_span_us": 15.2,
            "all_cpu_s_with_writing": 0.131,
            "all_bytes": 7_690_000,
            "read_s": 0.053,
        },
        "note": {"cpu_per_span_us": 6.1},
        "traced": {"cpu_per_span_us": 14.0},
        "growth": {
            "25_turns": {"bytes_per_turn": 4_800},
            "50_turns": {"bytes_per_turn": 7_400},
            "100_turns": {"bytes_per_turn": 12_600},
            "200_turns": {"bytes_per_turn": 22_800},
            "200_to_25_turns": 4.75,
        },
    },
)

BARS = (
    Bar("durable.many_live.per_s", at_least=100_000),
    Bar("durable.many_live.commit_wait_s", at_most=0.02),
    Bar("opening.finished_s", at_most=2),
    Bar("opening.unfinished_s", at_most=2),
    Bar("growth.200_to_25_turns", at_most=1.1),
    Bar("spans.two_inputs.cpu_per_span_us", at_most=15),
    Bar("spans.two_inputs.all_bytes", at_most=7_700_000),
)


def measure() -> Figures:
    """All figures."""
    progress(f"{N_EVENTS:,} durable events")
    durable: Figures = {
        "sync": fresh(sync),
        "many_live": fresh(durable_events, LIVE, N_EVENTS),
        "one_live": fresh(durable_events, 1, N_EVENTS // 20),
    }
    progress("spans")
    figures: Figures = {"durable": durable, "spans": fresh(spans)}
    progress("growth")
    figures["growth"] = fresh(growth)
    progress(f"a run of {LONG_EPISODES * LONG_STEPS:,} steps, and opening it")
    with scratch() as folder:
        fresh(play_long_run, folder / "finished")
        figures["opening"] = openings(folder)
    return figures


def growth() -> Figures:
    """Bytes of log for each turn of one episode, whose turns all say as much that is new."""
    figures: Figures = {"new_text_bytes_per_turn": 6 * N_WORDS}
    sizes: dict[int, float] = {}
    for n_turns in TURN_COUNTS:
        with scratch() as folder:
            launch = NEW_WORDS.launch(folder / "run", steps=2 * (n_turns // 2), episodes=1, live=1)
            run = launch.run()
            n_steps = run.summary.episodes[0].n_steps
            NEW_WORDS.check(run, n_steps)
            sizes[n_turns] = _segment_bytes(run.path) / n_steps
        figures[f"{n_turns}_turns"] = {"bytes_per_turn": round(sizes[n_turns])}
    figures["200_to_25_turns"] = round(sizes[200] / sizes[25], 3)
    return figures


def play_long_run(out: Path) -> None:
    """Make the run that is then opened."""
    launch = TURNS.launch(out, steps=LONG_STEPS, episodes=LONG_EPISODES, live=LIVE)
    TURNS.check(launch.run(), LONG_STEPS)


def openings(folder: Path) -> Figures:
    """Seconds until the summary of a long run is there, finished and as a crash leaves it."""
    finished, unfinished = folder / "finished", folder / "unfinished"
    crash(finished, unfinished)
    return {
        "n_events": Run(finished).log.n_events,
        "all_bytes": _segment_bytes(finished),
        "finished_s": fresh(opening_s, finished),
        "unfinished_s": fresh(opening_s, unfinished),
        "show_finished_s": process_s(COMMAND, "show", str(finished), "--digest"),
        "show_unfinished_s": process_s(COMMAND, "show", str(unfinished), "--digest"),
    }


def opening_s(path: Path) -> float:
    """Seconds until the summary of a run is there, in a process that has imported SimLab."""
    with measured() as cost:
        summary = Run(path).summary
    if len(summary.episodes) != LONG_EPISODES:
        raise RuntimeError(f"expected {LONG_EPISODES} episodes, got {len(summary.episodes)}")
    return round(cost.wall_s, 3)


def crash(finished: Path, crashed: Path) -> None:
    """A copy of a finished run as it was in its last step, with a torn tail."""
    shutil.copytree(finished, crashed, ignore=shutil.ignore_patterns("tables"))
    (crashed / FILE).unlink()
    for segment in RunDirectory(crashed).segments():
        segment.seal.unlink()
        os.truncate(segment.path, segment.path.stat().st_size - TORN_BYTES)


def _segment_bytes(path: Path) -> int:
    return sum(segment.path.stat().st_size for segment in RunDirectory(path).segments())


if __name__ == "__main__":
    report("log", measure, bars=BARS, peers=[TREETRACE])
