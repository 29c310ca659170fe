"""Diagnosis of a run that stands still: who waits for whom."""

import asyncio
from collections.abc import Callable
from itertools import islice

from simlab.actors import ActorSystem, HostStatistics
from simlab.trace.directory import RunDirectory

PATIENCE_S = 30.0
"""After so long without a commit, in seconds, a run is said to stand still."""

_SHOWN = 10
"""At most so many waits are told of."""


class StallWatch:
    """Reports when a run commits nothing for a while, and lets it go on.

    Args:
        directory: Of the run; its segments grow with every commit.
        tell: Called with what a person should know.
        patience_s: How long without a commit is too long, in seconds.
    """

    def __init__(
        self,
        directory: RunDirectory,
        tell: Callable[[str], None],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._directory = directory
        self._tell = tell
        self._patience_s = patience_s

    async def report(self, system: ActorSystem) -> None:
        """Watch until cancelled."""
        before = -1
        while True:
            size = sum(segment.path.stat().st_size for segment in self._directory.segments())
            if size == before:
                self._tell(waits_in_words(await system.statistics(), self._patience_s))
            before = size
            await asyncio.sleep(self._patience_s)


def waits_in_words(hosts: list[HostStatistics], patience_s: float) -> str:
    """Who waits for whom, the longest-waiting first, a line each."""
    waits = sorted(
        ((wait, host.name) for host in hosts for wait in host.waiting),
        key=lambda found: -found[0].age_s,
    )
    lines = [f"nothing was committed for {patience_s:g} s; the run goes on, and waits are:"]
    lines += [f"  {host}: {wait}" for wait, host in islice(waits, _SHOWN)]
    if len(waits) > _SHOWN:
        lines.append(f"  and {len(waits) - _SHOWN} more")
    return "\n".join(lines if waits else [*lines, "  none among actors: a model or world computes"])
