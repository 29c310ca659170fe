"""Viewers: what it costs a run that people look at it, and how soon they see it.

Two runs of one kind are played at once, under an app at which twenty pages are open, and another
that has stopped reading. None, one, or all of them look at the run that is measured, and the rest
at the other: so the machine is as busy whoever looks on, and only the looking differs. The runs'
model takes its time, so that what passes is its latency and not the processor's. Only the process
of the measured run is charged (sim-22).

The app reads files; all that it asks of a run's process is where it stands, once a second whoever
looks on. As that is less than such pairs tell, it is measured by itself: a run is asked many times
a second, and the CPU time beyond that of a run that is not, who asks included, is divided by them.
"""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.log import LONG_EPISODES, LONG_STEPS, crash, play_long_run
from benchmarks.looking import App, Viewer, app_of
from benchmarks.measuring import Figures, cpu_s_of, fresh, measured
from benchmarks.report import Bar, progress, report
from benchmarks.runs import TURNS, scratch
from simlab.errors import ControlError
from simlab.sim.control.async_client import AsyncControlClient
from simlab.sim.run import Run
from simlab.sim.simulation import Simulation
from simlab.trace.directory import RunDirectory

LATENCY_S = 0.05
N_STEPS = 100
N_EPISODES = 16
N_REPEATS = 7

ARMS = {"none": 0, "one": 1, "twenty": 20}
"""How many look at the run that is measured, by name; the rest of twenty looks at the other."""

MEASURED, OTHER = "measured", "other"

ASK_EVERY_S = 0.004

BARS = (
    Bar("one.wall_to_none", at_most=1.02),
    Bar("twenty.cpu_to_none", at_most=1.02),
    Bar("asked.share_of_cpu", at_most=0.02),
    Bar("first_view_s", at_most=1),
    Bar("opening.finished_s", at_most=2),
    Bar("opening.unfinished_s", at_most=2),
)


def measure() -> Figures:
    """All figures."""
    played: dict[str, list[Figures]] = {arm: [] for arm in ARMS}
    for repeat in range(N_REPEATS):
        for arm, n_viewers in ARMS.items():
            progress(f"{repeat + 1} of {N_REPEATS}: {n_viewers} viewers of the run")
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
    progress("a run that is asked where it stands")
    figures["asked"] = _asking_costs()
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
    directory = RunDirectory.open(path)
    simulation = Simulation(Run(path).file, directory, hosts=0)
    with directory.locked(), measured() as cost:
        asyncio.run(simulation.run())
    run = Run(path)
    TURNS.check(run, N_STEPS)
    return {"cpu_s": cost.cpu_s, "wall_s": cost.wall_s, "digest": run.digest}


def asked(path: Path) -> Figures:
    """What a run cost in this process that was asked all the time where it stands."""
    directory = RunDirectory.open(path)
    simulation = Simulation(Run(path).file, directory, hosts=0)
    with directory.locked(), measured() as cost:
        n_asked = asyncio.run(_ask_while_played(simulation, path))
    return {"cpu_s": cost.cpu_s, "n_asked": n_asked}


async def _ask_while_played(simulation: Simulation, path: Path) -> int:
    playing, n_asked = asyncio.create_task(simulation.run()), 0
    while not playing.done():
        with suppress(ControlError):  # it does not listen yet, or has ended
            async with await AsyncControlClient.connect(path) as client:
                while True:
                    await client.hello()
                    n_asked += 1
                    await asyncio.sleep(ASK_EVERY_S)
        await asyncio.sleep(ASK_EVERY_S)
    await playing
    return n_asked


def _asking_costs() -> Figures:
    """The cost of a question, and the share of a run's CPU time that one a second takes."""
    costs, shares = [], []
    for _ in range(N_REPEATS):
        with scratch() as folder:
            for name in (MEASURED, OTHER):
                kind = {"steps": N_STEPS, "episodes": N_EPISODES, "live": N_EPISODES}
                TURNS.launch(folder / name, **kind, latency_s=LATENCY_S)
            alone, both = fresh(played, folder / OTHER), fresh(asked, folder / MEASURED)
        cpu_s = _number(alone["cpu_s"])
        costs.append((_number(both["cpu_s"]) - cpu_s) / _number(both["n_asked"]))
        shares.append(costs[-1] / (cpu_s / _number(alone["wall_s"])))
    return {
        "cpu_us": round(median(costs) * 1e6, 1),
        "share_of_cpu": _median(shares),
        "lowest_share_of_cpu": round(min(shares), 4),
        "highest_share_of_cpu": round(max(shares), 4),
    }


def _play_before(n_viewers: int) -> Figures:
    """What a run costs before so many viewers, while the rest of twenty looks at another."""
    looked_at = [MEASURED] * n_viewers + [OTHER] * (max(ARMS.values()) - n_viewers)
    with scratch() as folder, ThreadPoolExecutor(2) as beside, app_of(folder) as app:
        for name in (MEASURED, OTHER):
            kind = {"steps": N_STEPS, "episodes": N_EPISODES, "live": N_EPISODES}
            TURNS.launch(folder / name, **kind, latency_s=LATENCY_S)
        other, playing = (beside.submit(fresh, played, folder / name) for name in (OTHER, MEASURED))
        before_s = cpu_s_of(app.process)
        seen = asyncio.run(_look_on(app, looked_at, playing))
        app_cpu_s = cpu_s_of(app.process) - before_s
        other.result()  # it was played too
        return {**playing.result(), **seen, "app_cpu_s": app_cpu_s}


async def _look_on(app: App, looked_at: Sequence[str], playing: "Future[Figures]") -> Figures:
    """Look on until a run has ended; what was seen of it.

    Args:
        app: Shows the runs.
        looked_at: The run that each viewer looks at; a newcomer as the first, and who has stopped
            reading as the last.
        playing: The run that is waited for.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(app.stalled(looked_at[-1]))
        viewers = [Viewer(await stack.enter_async_context(app.client()), run) for run in looked_at]
        watching = [asyncio.create_task(viewer.watch()) for viewer in viewers]
        newcomer = asyncio.create_task(_newcomer_s(app, looked_at[0], viewers[0]))
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
    """Medians of an arm, and as multiples of what it costs that nobody looks at the run."""
    return {
        "wall_s": _median(one["wall_s"] for one in arm),
        "cpu_s": _median(one["cpu_s"] for one in arm),
        "lowest_cpu_s": round(min(_number(one["cpu_s"]) for one in arm), 4),
        "highest_cpu_s": round(max(_number(one["cpu_s"]) for one in arm), 4),
        **_to_none("wall", arm, none),
        **_to_none("cpu", arm, none),
        "app_cpu_s": _median(one["app_cpu_s"] for one in arm),
        "n_answers": _median(one["n_answers"] for one in arm),
    }


def _to_none(cost: str, arm: list[Figures], none: list[Figures]) -> Figures:
    """A cost as a multiple of that of the run before it that nobody looked at.

    Within the range of these multiples nothing can be told.
    """
    pairs = zip(arm, none, strict=True)
    ratios = [_number(one[f"{cost}_s"]) / _number(other[f"{cost}_s"]) for one, other in pairs]
    return {
        f"{cost}_to_none": _median(ratios),
        f"lowest_{cost}_to_none": round(min(ratios), 4),
        f"highest_{cost}_to_none": round(max(ratios), 4),
    }


def _median(values: Iterable[object]) -> float:
    return round(median(map(_number, values)), 4)


def _number(value: object) -> float:
    assert isinstance(value, int | float), "it was measured"
    return float(value)


if __name__ == "__main__":
    report("viewers", measure, bars=BARS)
