"""Viewers: what it costs a run that people look at it, and how soon they see it.

The same run is played with no app, with an app that one page is open at, and with one at which
twenty are and another that has stopped reading. Its model takes its time, so that what passes is
its latency and not the processor's. Only the run's own process is charged (sim-22).
"""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.log import LONG_EPISODES, LONG_STEPS, crash, play_long_run
from benchmarks.looking import App, Viewer, app_of
from benchmarks.measuring import Figures, cpu_s_of, fresh, measured
from benchmarks.report import Bar, progress, report
from benchmarks.runs import TURNS, scratch
from simlab.sim.run import Run
from simlab.sim.simulation import Simulation
from simlab.trace.directory import RunDirectory

LATENCY_S = 0.05
N_STEPS = 100
N_EPISODES = 16
N_REPEATS = 7

ARMS = {"none": 0, "one": 1, "twenty": 20}
"""How many look on, by name."""

BARS = (
    Bar("one.wall_to_none", at_most=1.02),
    Bar("twenty.cpu_to_none", at_most=1.02),
    Bar("first_view_s", at_most=1),
    Bar("opening.finished_s", at_most=2),
    Bar("opening.unfinished_s", at_most=2),
)


def measure() -> Figures:
    """All figures."""
    played: dict[str, list[Figures]] = {arm: [] for arm in ARMS}
    for repeat in range(N_REPEATS):
        for arm, n_viewers in ARMS.items():
            progress(f"{repeat + 1} of {N_REPEATS}: {n_viewers} viewers")
            played[arm].append(_play_before(n_viewers))
    digests = {str(one["digest"]) for each in played.values() for one in each}
    if len(digests) != 1:
        raise RuntimeError(f"a run must have one digest whoever looks on, got {sorted(digests)}")
    figures: Figures = {
        "latency_s": LATENCY_S,
        "n_steps": N_STEPS,
        "n_episodes": N_EPISODES,
        "n_repeats": N_REPEATS,
        "one_digest": True,
        **{arm: _costs(played[arm], played["none"]) for arm in ARMS},
        "first_view_s": _median(one["first_view_s"] for one in played["one"]),
    }
    progress(f"a run of {LONG_EPISODES * LONG_STEPS:,} steps, and opening it")
    with scratch() as folder:
        fresh(play_long_run, folder / "finished")
        crash(folder / "finished", folder / "unfinished")
        figures["opening"] = {
            f"{name}_s": asyncio.run(_opening_s(folder, name))
            for name in ("finished", "unfinished")
        }
    return figures


def played(path: Path) -> Figures:
    """What a run cost in this process, from its first reset to its last seal, and its digest."""
    simulation = Simulation(Run(path).file, RunDirectory.open(path), hosts=0)
    with measured() as cost:
        asyncio.run(simulation.run())
    run = Run(path)
    TURNS.check(run, N_STEPS)
    return {"cpu_s": cost.cpu_s, "wall_s": cost.wall_s, "digest": run.digest}


def _play_before(n_viewers: int) -> Figures:
    """What a run costs before so many viewers."""
    with scratch() as folder, ThreadPoolExecutor(1) as beside:
        launch = TURNS.launch(
            folder / "run", steps=N_STEPS, episodes=N_EPISODES, live=N_EPISODES, latency_s=LATENCY_S
        )
        path = launch.directory.path
        if not n_viewers:
            return fresh(played, path)
        with app_of(folder) as app:
            playing = beside.submit(fresh, played, path)
            before_s = cpu_s_of(app.process)
            seen = asyncio.run(_look_on(app, path.name, n_viewers, playing))
            return {**playing.result(), **seen, "app_cpu_s": cpu_s_of(app.process) - before_s}


async def _look_on(app: App, run: str, n_viewers: int, playing: "Future[Figures]") -> Figures:
    """Look on until a run has ended; what was seen of it."""
    async with AsyncExitStack() as stack:
        held = stack.enter_context(ExitStack())
        if n_viewers > 1:
            held.enter_context(app.stalled(run))
        viewers = [
            Viewer(await stack.enter_async_context(app.client()), run) for _ in range(n_viewers)
        ]
        watching = [asyncio.create_task(viewer.watch()) for viewer in viewers]
        newcomer = asyncio.create_task(_newcomer_s(app, run, viewers[0]))
        ended = asyncio.wrap_future(playing)
        await _first_of(ended, newcomer, *watching)
        await _first_of(ended, *watching)
        for task in watching:
            task.cancel()
        await ended
        return {
            "first_view_s": await newcomer,
            "n_answers": sum(viewer.n_answers for viewer in viewers),
        }


async def _first_of(*under_way: "asyncio.Future[Any]") -> None:
    """Wait until something is through; what has failed is raised."""
    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    for each in under_way:
        if each.done():
            each.result()


async def _newcomer_s(app: App, run: str, seen_by: Viewer) -> float:
    """Seconds of a first view of a run that has gone on for some steps."""
    async with app.client() as client:
        await seen_by.wait_steps(N_STEPS // 4)
        return await Viewer(client, run).first_view_s()


async def _opening_s(folder: Path, name: str) -> float:
    """Seconds from the first question about a long run to all that a page shows at first."""
    with app_of(folder) as app:
        async with app.client() as client:
            return round(await Viewer(client, name).first_view_s(), 3)


def _costs(arm: list[Figures], none: list[Figures]) -> Figures:
    """Medians of an arm, and as multiples of what nobody looking on costs."""
    figures: Figures = {
        "wall_s": _median(one["wall_s"] for one in arm),
        "cpu_s": _median(one["cpu_s"] for one in arm),
        "lowest_cpu_s": round(min(_number(one["cpu_s"]) for one in arm), 4),
        "highest_cpu_s": round(max(_number(one["cpu_s"]) for one in arm), 4),
        "wall_to_none": _to_none("wall_s", arm, none),
        "cpu_to_none": _to_none("cpu_s", arm, none),
    }
    if arm is not none:
        figures["app_cpu_s"] = _median(one["app_cpu_s"] for one in arm)
        figures["n_answers"] = _median(one["n_answers"] for one in arm)
    return figures


def _to_none(cost: str, arm: list[Figures], none: list[Figures]) -> float:
    """The median of a cost as a multiple of that of the run before it that nobody looked on."""
    pairs = zip(arm, none, strict=True)
    return _median(_number(one[cost]) / _number(other[cost]) for one, other in pairs)


def _median(values: Iterable[object]) -> float:
    return round(median(map(_number, values)), 4)


def _number(value: object) -> float:
    assert isinstance(value, int | float), "it was measured"
    return float(value)


if __name__ == "__main__":
    report("viewers", measure, bars=BARS)
