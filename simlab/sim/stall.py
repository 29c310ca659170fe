"""Diagnosis of a run that stands still: who waits for whom, and which calls for their answer."""

import asyncio
from collections.abc import Callable, Mapping
from itertools import chain

from simlab.actors import ActorRef, ActorSystem, HostStatistics
from simlab.errors import ActorError
from simlab.sim.staging import ListCalls
from simlab.trace.directory import RunDirectory

PATIENCE_S = 30.0
"""After so long without a commit, in seconds, a run is said to stand still."""

_SHOWN = 10
"""At most so many calls and so many asks are told of."""


class StallWatch:
    """Reports when a run commits nothing for a while, and lets it go on.

    Args:
        directory: Of the run; its segments grow with every commit.
        tell: Called with what a person should know.
        is_paused: Says whether somebody has paused it, which is told once as long as it lasts.
        patience_s: How long without a commit is too long, in seconds.
    """

    def __init__(
        self,
        directory: RunDirectory,
        tell: Callable[[str], None],
        *,
        is_paused: Callable[[], bool] = lambda: False,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._directory = directory
        self._tell = tell
        self._is_paused = is_paused
        self._patience_s = patience_s

    async def report(self, system: ActorSystem, stages: Mapping[str, ActorRef]) -> None:
        """Watch until cancelled.

        Args:
            system: Its actors wait for each other.
            stages: The stage on each host, whose episodes wait for models, people and tools.
        """
        before, was_paused = -1, False
        while True:
            size = sum(segment.path.stat().st_size for segment in self._directory.segments())
            stands_still, is_paused = size == before, self._is_paused()
            if stands_still and is_paused and not was_paused:
                self._tell(self._pause_in_words())
            elif stands_still and not is_paused:
                asks = _asks_in_words(await system.statistics())
                self._tell(_in_words(await self._calls(stages), asks, self._patience_s))
            before, was_paused = size, stands_still and is_paused
            await asyncio.sleep(self._patience_s)

    def _pause_in_words(self) -> str:
        path = self._directory.path
        return (
            f"somebody has paused this run, or episodes of it; they are let go on in the app "
            f"(simlab watch {path}) or by simlab.ControlClient({str(path)!r}).resume()"
        )

    async def _calls(self, stages: Mapping[str, ActorRef]) -> list[str]:
        """The calls that episodes wait for, and the hosts that do not say so in time."""
        lines = await asyncio.gather(*(self._calls_on(*each) for each in sorted(stages.items())))
        return list(chain.from_iterable(lines))

    async def _calls_on(self, host: str, stage: ActorRef) -> list[str]:
        try:
            async with asyncio.timeout(self._patience_s):
                return [f"{host}: {call}" for call in await stage.ask(ListCalls())]
        except (TimeoutError, ActorError):
            return [f"{host}: computes or is gone, and does not answer"]


def _asks_in_words(hosts: list[HostStatistics]) -> list[str]:
    """Which actor waits for whom, the longest-waiting first."""
    waits = [(wait, host.name) for host in hosts for wait in host.waiting]
    return [f"{host}: {wait}" for wait, host in sorted(waits, key=lambda found: -found[0].age_s)]


def _in_words(calls: list[str], asks: list[str], patience_s: float) -> str:
    """What a run that stands still waits for, a line each."""
    lines = [f"nothing was committed for {patience_s:g} s; the run goes on, and waits are:"]
    for waits in (calls, asks):
        lines += [f"  {wait}" for wait in waits[:_SHOWN]]
        if len(waits) > _SHOWN:
            lines.append(f"  and {len(waits) - _SHOWN} more")
    return "\n".join(lines if calls or asks else [*lines, "  none: a model or world computes"])
