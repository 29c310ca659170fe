"""Garbage collection while episodes are played: rarer, and not over what will stay anyway."""

import gc

_THRESHOLDS = (20_000, 20, 100)
"""Allocations before a young collection, young ones before an older one, and so on.

Play allocates much and leaves few cycles, so Python's own (700, 10, 10) look for them too often;
what an action costs is printed by `benchmarks.engine`.
"""

_before: list[tuple[int, int, int]] = []


def begin_play() -> None:
    """Collect rarely from now on, and leave out what is there already; calls may nest."""
    if not _before:
        gc.collect()
        gc.freeze()
    _before.append(gc.get_threshold())
    gc.set_threshold(*_THRESHOLDS)


def end_play() -> None:
    """Collect as before the matching `begin_play`."""
    gc.set_threshold(*_before.pop())
    if not _before:
        gc.unfreeze()
