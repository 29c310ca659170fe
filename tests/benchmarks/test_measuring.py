import os
import subprocess
import sys
import time

import pytest

from benchmarks.measuring import (
    Cost,
    descendants,
    measured,
    medians,
    private_bytes,
    resident_bytes,
)


def use_cpu(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_the_cpu_time_of_a_block_is_measured():
    with measured() as cost:
        use_cpu(0.02)

    assert 0.02 <= cost.cpu_s <= cost.wall_s + 0.01


def test_the_cpu_time_of_other_processes_counts_if_they_are_named():
    work = "import time\nwhile time.process_time() < 0.1: pass\nprint(flush=True)\ninput()"
    command = [sys.executable, "-S", "-c", work]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        with measured([child.pid]) as all_cost, measured() as own_cost:
            child.stdout.readline()
        child.communicate(b"\n")

    assert all_cost.cpu_s > own_cost.cpu_s + 0.05


def test_figures_are_medians_with_the_range_of_cpu_time():
    costs = [Cost(3.0, 4.0), Cost(1.0, 2.0), Cost(2.0, 9.0)]

    assert medians(costs, 1_000_000, "step") == {
        "cpu_per_step_us": 2.0,
        "lowest_cpu_per_step_us": 1.0,
        "highest_cpu_per_step_us": 3.0,
        "wall_per_step_us": 4.0,
        "n_repeats": 3,
    }


def test_rates_are_by_wall_clock_and_by_cpu_time():
    assert Cost(cpu_s=2.0, wall_s=4.0).per_s(100) == {"per_s": 25, "per_cpu_s": 50}


def test_a_child_process_is_among_the_descendants_and_has_memory_of_its_own():
    command = [sys.executable, "-S", "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        found = descendants(os.getpid())
        held = private_bytes(child.pid)

    assert child.pid in found
    assert held > 0


def test_the_time_of_a_process_that_ended_meanwhile_is_no_silent_zero():
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    child.wait()

    with (
        pytest.raises(ProcessLookupError, match=f"process {child.pid} ended"),
        measured([child.pid]),
    ):
        pass


def test_memory_that_is_held_counts():
    before = resident_bytes()
    held = bytearray(os.urandom(1)) * 20_000_000

    assert resident_bytes() - before > 0.9 * len(held)
