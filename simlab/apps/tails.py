"""Tails: whoever waits for news of a run is woken by them; the run is read once for all of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from simlab.apps.reading import Reading
from simlab.errors import SimlabError
from simlab.view.opened import OpenedRun

_EVERY_S = 0.25
"""How often a run is looked at whose news somebody waits for."""


@dataclass(slots=True, eq=False)
class _Tail:
    """Who waits for news of one run, and how it stood when they were woken last."""

    n_waiting: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    seen: object = None
    looking: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Wake all who wait; whoever comes now waits for what comes next."""
        self.changed.set()
        self.changed = asyncio.Event()


class Tails:
    """Gives the news of runs, at once or as soon as there are any.

    Args:
        reading: Of the runs.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._tails: dict[str, _Tail] = {}
        self._has_ended = False

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
                while cursor and not _tells(found, before) and not self._has_ended:
                    with self._waiting(run) as changed:  # from before it is read: misses nothing
                        found = await self._reading.of_run(run, OpenedRun.news, cursor)
                        if not _tells(found, before):
                            await changed.wait()
        return found

    def end(self) -> None:
        """Let nobody wait any more: all who do are answered."""
        self._has_ended = True
        for tail in self._tails.values():
            tail.wake()

    async def close(self) -> None:
        """End, and look at no run any more."""
        self.end()
        looking = [tail.looking for tail in self._tails.values() if tail.looking is not None]
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)

    @contextmanager
    def _waiting(self, run: str) -> Iterator[asyncio.Event]:
        """Within the block somebody looks at a run, and sets the event when it changes."""
        tail = self._tails.setdefault(run, _Tail())
        tail.n_waiting += 1
        if tail.looking is None:
            tail.looking = asyncio.create_task(self._look(run, tail))
        try:
            yield tail.changed
        finally:
            tail.n_waiting -= 1

    async def _look(self, run: str, tail: _Tail) -> None:
        """Wake those who wait whenever a run stands otherwise than when it was told last.

        What keeps it from being read they are told as they read it themselves.
        """
        try:
            with suppress(SimlabError):
                while tail.n_waiting:
                    standing = await self._reading.of_run(run, _standing)
                    if standing != tail.seen:
                        tail.seen = standing
                        tail.wake()
                    await asyncio.sleep(_EVERY_S)
        finally:
            tail.looking = None
            tail.wake()


def _tells(news: Any, before: str) -> bool:
    """Whether there is anything in news that is worth an answer."""
    state = news["run"]["state"]
    return bool(news["episodes"]) or state != before or state == "finished"


def _standing(run: OpenedRun) -> tuple[str, int, str]:
    run.refresh()
    return run.token, run.version, str(run.progress()["state"])
