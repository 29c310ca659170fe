"""How many cores an engine on the CPU uses."""

import os


def spare_cores() -> int:
    """All cores but one, which the rest of the run needs.

    OpenMP's threads wait for each other by spinning: where another process takes the core of one,
    all slow down many times over. One thread less costs little even on a machine that is idle.
    """
    return max(1, len(os.sched_getaffinity(0)) - 1)
