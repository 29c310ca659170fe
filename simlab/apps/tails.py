"""Tails: whoever waits for news of a run is woken by them; the run is read once for all of them."""

import asyncio
from contextlib import suppress
from typing import Any

from simlab.apps.reading import Reading
from simlab.view.opened import OpenedRun

_EVERY_S = 0.25
"""How often a run is looked at whose news somebody waits for."""


class Tails:
    """Gives the news of runs, at once or as soon as there are any.

    Args:
        reading: Of the runs.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._changed: dict[str, asyncio.Event] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._n_waiting: dict[str, int] = {}
        self._seen: dict[str, tuple[int, str]] = {}
        """How each run stood when those who waited were woken last."""

    async def news(self, run: str, cursor: str, *, wait_s: float) -> Any:
        """What has changed since a cursor; see `OpenedRun.news`.

        Args:
            run: Its name.
            cursor: From the last answer; empty for all.
            wait_s: How long to wait where nothing has, in seconds.
        """
        found = await self._reading.of_run(run, OpenedRun.news, cursor)
        before = found["run"]["state"]
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while cursor and not _tells(found, before):
                    changed = self._changed.setdefault(run, asyncio.Event())
                    found = await self._reading.of_run(run, OpenedRun.news, cursor)
                    if not _tells(found, before):
                        await self._wait(run, changed)
        return found

    def close(self) -> None:
        """Look no more; all who wait are answered."""
        for task in [*self._looking.values()]:
            task.cancel()

    async def _wait(self, run: str, changed: asyncio.Event) -> None:
        self._n_waiting[run] = self._n_waiting.get(run, 0) + 1
        if run not in self._looking:
            self._looking[run] = asyncio.create_task(self._look(run))
        try:
            await changed.wait()
        finally:
            self._n_waiting[run] -= 1

    async def _look(self, run: str) -> None:
        """Wake those who wait once a run stands otherwise than when it was told last."""
        try:
            while self._n_waiting[run]:
                now = await self._reading.of_run(run, _standing)
                if now != self._seen.get(run):
                    self._seen[run] = now
                    break
                await asyncio.sleep(_EVERY_S)
        finally:
            del self._looking[run]
            self._changed.pop(run).set()


def _tells(news: Any, before: str) -> bool:
    """Whether there is anything in news that is worth an answer."""
    state = news["run"]["state"]
    return bool(news["episodes"]) or state != before or state == "finished"


def _standing(run: OpenedRun) -> tuple[int, str]:
    run.refresh()
    return run.version, str(run.progress()["state"])
