"""Measuring: CPU time beside wall-clock time, medians, memory, and processes that are fresh.

CPU time is what to compare on a shared machine: it repeats within some percent where wall-clock
time doubles. Needs the standard library alone, since peers measure themselves with it as well.
"""

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Figures = dict[str, "Figures | float | int | str | bool | None"]
"""What was measured, by name. A unit ends the name: ``_us``, ``_s``, ``_bytes``, ``_per_s``."""

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Cost:
    """What some work cost.

    Attributes:
        cpu_s: CPU seconds, user and system, of all threads of the processes that were measured.
        wall_s: Seconds that passed.
    """

    cpu_s: float = 0.0
    wall_s: float = 0.0

    def per_s(self, n: int) -> Figures:
        """Rates of `n` things done: in a second that passes, and in a second of CPU."""
        return {
            "per_s": round(n / self.wall_s),
            "per_cpu_s": round(n / self.cpu_s) if self.cpu_s else None,
        }


@contextmanager
def measured(processes: Collection[int] = ()) -> Iterator[Cost]:
    """The cost of the block; its figures are there once the block is over.

    Args:
        processes: Ids of other processes whose CPU time counts too; they outlive the block. Theirs
            is known to a hundredth of a second only.
    """
    cost = Cost()
    gc.collect()
    cpu_s, wall_s = _cpu_s(processes), time.perf_counter()
    yield cost
    cost.wall_s = time.perf_counter() - wall_s
    cost.cpu_s = _cpu_s(processes) - cpu_s


def medians(costs: Sequence[Cost], n: int, unit: str) -> Figures:
    """Median costs in microseconds of one of `n` things, the range of CPU time beside it.

    Args:
        costs: Of runs that did `n` things each.
        n: How many.
        unit: What one thing is called, such as ``action``.
    """
    cpu_us = [cost.cpu_s / n * 1e6 for cost in costs]
    wall_us = [cost.wall_s / n * 1e6 for cost in costs]
    return {
        f"cpu_per_{unit}_us": round(median(cpu_us), 2),
        f"lowest_cpu_per_{unit}_us": round(min(cpu_us), 2),
        f"highest_cpu_per_{unit}_us": round(max(cpu_us), 2),
        f"wall_per_{unit}_us": round(median(wall_us), 2),
        "n_repeats": len(costs),
    }


def fresh(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a function returns in a process of its own, so that nothing done before weighs on it.

    Args:
        work: A function of a module.
        args: Picklable.
        kwargs: Picklable.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(work, *args, **kwargs).result()


def resident_bytes() -> int:
    """Memory of this process that is in RAM, after a collection of garbage."""
    gc.collect()
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * _PAGE_BYTES


def private_bytes(process: int) -> int:
    """Memory in RAM that a process shares with no other."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def descendants(process: int) -> list[int]:
    """Ids of a process's children, their children, and so on."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        status = _stat(int(folder.name))
        if status:
            children.setdefault(int(status[1]), []).append(int(folder.name))
    found = [process]
    for parent in found:
        found.extend(children.get(parent, ()))
    return found[1:]


def cpu_s_of(process: int) -> float:
    """CPU seconds of another process so far, to a hundredth.

    Raises:
        ProcessLookupError: It has ended, so its time is not known any more.
    """
    status = _stat(process)
    if not status:
        raise ProcessLookupError(f"process {process} ended while its CPU time was measured")
    return (int(status[11]) + int(status[12])) / _TICKS_PER_S


def _cpu_s(processes: Collection[int]) -> float:
    return time.process_time() + sum(cpu_s_of(process) for process in processes)


def _stat(process: int) -> list[str]:
    """The fields of ``/proc/ID/stat`` behind the name; none if the process has ended."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()
