"""Recovery: a host is killed; how soon do the episodes that it played go on?

Counted from the kill to the first new step of such an episode. Episodes move to hosts of a later
epoch only, so those of the first host go on at the second one at once, and those of the last host
when its successor has started; what such a start takes is measured beside it and left out.
"""

import asyncio
import os
import signal
import time
from pathlib import Path

import msgspec

from benchmarks.measuring import Figures, descendants, fresh, measured
from benchmarks.report import Bar, progress, report
from benchmarks.runs import TURNS, scratch
from benchmarks.traffic import Idle
from simlab.actors import ActorSystem
from simlab.sim.run import Run
from simlab.sim.simulation import Observer
from simlab.sim.staging import StepNews
from simlab.trace.directory import RunDirectory, SegmentFile
from simlab.trace.events import Stepped
from simlab.trace.segment import RUN

LATENCY_S = 0.02
N_EPISODES = 32
N_STEPS = 300
KILL_AT_STEP = 100

BARS = (
    Bar("first_host.first_step_s", at_most=3),
    Bar("last_host.first_step_without_host_start_s", at_most=3),
)


def measure() -> Figures:
    """Figures for the host whose episodes find another one, and for the one whose must wait."""
    progress("start of a host")
    start_s = fresh(host_start_s)
    progress("the first of two hosts is killed")
    first_s = fresh(first_step_s, 0)
    progress("the last of two hosts is killed")
    last_s = fresh(first_step_s, 1)
    return {
        "n_episodes": N_EPISODES,
        "killed_at_step": KILL_AT_STEP,
        "host_start_s": start_s,
        "first_host": {"first_step_s": first_s},
        "last_host": {
            "first_step_s": last_s,
            "first_step_without_host_start_s": round(max(0.0, last_s - start_s), 3),
        },
    }


def host_start_s() -> float:
    """Seconds that one more host takes to start, where Ray runs already."""
    return asyncio.run(_host_start_s())


async def _host_start_s() -> float:
    async with ActorSystem(hosts=2) as system:
        with measured() as cost:
            await system.spawn(Idle, placement="dedicated")
    return round(cost.wall_s, 3)


def first_step_s(number: int) -> float:
    """Seconds from the kill of a host to the first new step of what it played.

    Args:
        number: Of the host, from 0.
    """
    with scratch() as folder:
        launch = TURNS.launch(
            folder / "run",
            steps=N_STEPS,
            episodes=N_EPISODES,
            live=N_EPISODES,
            hosts=2,
            latency_s=LATENCY_S,
        )
        killer = _Killer(launch.directory, f"host-{number}")
        run = launch.run(Observer(on_step=killer.see))
        TURNS.check(run, N_STEPS)
        return round(_first_step(run, killer.segment) - killer.killed_s, 3)


class _Killer:
    """Kills a host once the run has got under way.

    Attributes:
        segment: What the host wrote.
        killed_s: When, by the clock of the machine.
    """

    def __init__(self, directory: RunDirectory, host: str) -> None:
        self._directory = directory
        self._host = host
        self.segment: SegmentFile
        self.killed_s = 0.0

    def see(self, news: StepNews) -> None:
        """Take note of a step of the first episode."""
        if self.killed_s or news.step < KILL_AT_STEP:
            return
        (self.segment,) = [s for s in self._directory.segments() if s.host == self._host]
        self.killed_s = time.time()
        os.kill(_writer_of(self.segment.path.resolve()), signal.SIGKILL)


def _writer_of(path: Path) -> int:
    """The process below this one that has a file open."""
    for process in descendants(os.getpid()):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            if os.path.realpath(descriptor) == str(path):
                return process
    raise ProcessLookupError(f"no process below this one has {path} open")


def _first_step(run: Run, killed: SegmentFile) -> float:
    """When the first step of an episode of the killed host was committed by another one."""
    played = {record.episode for record in killed.open().records()} - {RUN}
    return min(
        msgspec.msgpack.decode(record.payload, type=Stepped).wall_s
        for segment in run.directory.segments()
        if segment != killed
        for record in segment.open().records()
        if record.episode in played and record.kind == Stepped.KIND
    )


if __name__ == "__main__":
    report("recovery", measure, bars=BARS)
