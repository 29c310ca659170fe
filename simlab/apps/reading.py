"""Reading: runs are read in threads, one reader at a time for each.

Whoever waits for a run waits in the event loop, so that one which takes long to read, or hangs,
takes one thread and no more.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from simlab.apps.sweeps import SweepView
from simlab.apps.threads import Threads
from simlab.errors import NotFoundError
from simlab.view.bounds import Json, cut
from simlab.view.opened import OpenedRun
from simlab.view.runs import UNFINISHED, Runs
from simlab.view.steps import Steps
from simlab.view.trainings import TrainingView

P = ParamSpec("P")
T = TypeVar("T")

_Lock = asyncio.Lock | asyncio.Semaphore

_THREADS = 4

_LISTED_S = 1.0
"""How long the list of runs waits to be told how far they are."""


class Reading:
    """What is read of the runs that this app was given, and of no others.

    Args:
        roots: Folders with runs below them, or runs.
        elsewhere: Gives further runs by name; see `Runs`.
    """

    def __init__(
        self, roots: list[Path], elsewhere: Callable[[], Mapping[str, Path]] = dict
    ) -> None:
        self.runs = Runs(roots, elsewhere)
        self._threads = Threads(_THREADS, "reading")
        self._list_lock = asyncio.Lock()
        self._listing = asyncio.Semaphore(_THREADS // 2)  # others are left to who reads a run
        self._locks: dict[Path, asyncio.Lock] = {}
        self._trainings: dict[Path, TrainingView] = {}

    async def rows(self, within_s: float = math.inf) -> list[Json]:
        """The list of runs; how far each is, is read as everything of it: by one at a time.

        Of a run that is not read soon, it is how far that was when it was read last.

        Args:
            within_s: See `Runs.lines`.
        """
        rows = await self._in_thread(lambda: self.runs.lines(within_s), self._list_lock)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LISTED_S), asyncio.TaskGroup() as group:
                for row in rows:
                    if row["state"] in UNFINISHED:
                        group.create_task(self._tell_progress(row))
        return rows

    async def of_list(
        self, read: Callable[Concatenate[Runs, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Give what a function reads of the list of runs."""
        return await self._in_thread(partial(read, self.runs, *args, **kwargs), self._list_lock)

    async def of_run(
        self,
        name: str,
        read: Callable[Concatenate[OpenedRun, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Give what a function reads of a run that was listed.

        Raises:
            NotFoundError: None of that name is there.
            ConfigError: What the function raises of bad input.
            RunDirectoryError: It is not as SimLab writes it.
            LogDamagedError: A segment is damaged before its tail.
        """
        return await self._one_at_a_time(name, lambda: read(self.runs.open(name), *args, **kwargs))

    async def of_steps(
        self,
        name: str,
        read: Callable[Concatenate[Steps, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Give what a function reads of the steps of a run; raises as `of_run` does."""
        return await self._one_at_a_time(name, lambda: read(self.runs.steps(name), *args, **kwargs))

    async def of_two(self, name: str, other: str, read: Callable[[OpenedRun, OpenedRun], T]) -> T:
        """Give what a function reads of two runs, or of one twice; raises as `of_run` does."""
        paths = {await self.path_of(name), await self.path_of(other)}
        locks = [self._lock_of(path) for path in sorted(paths)]  # so that none waits for ever
        return await self._in_thread(
            lambda: read(self.runs.open(name), self.runs.open(other)), *locks
        )

    async def of_training(
        self,
        name: str,
        read: Callable[Concatenate[TrainingView, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Give what a function reads of a training that was listed.

        Raises:
            NotFoundError: None of that name is there.
            RunDirectoryError: It is not as SimLab writes it.
        """
        path = _named(await self.of_list(Runs.trainings), name, "training")

        def work() -> T:
            view = self._trainings.get(path)
            if view is None:
                view = self._trainings[path] = TrainingView(path)
            return read(view, *args, **kwargs)

        return await self._in_thread(work, self._lock_of(path))

    async def of_sweep(self, name: str, read: Callable[[SweepView], T]) -> T:
        """Give what a function reads of a sweep that was listed; raises as `of_training` does."""
        path = _named(await self.of_list(Runs.sweeps), name, "sweep")
        return await self._in_thread(lambda: read(SweepView(path)))

    async def path_of(self, name: str) -> Path:
        """Where a run is that was listed.

        Raises:
            NotFoundError: None of that name is there.
        """
        found = self.runs.found(name)
        return await self.of_list(Runs.path_of, name) if found is None else found

    def close(self) -> None:
        """Read nothing more; what is being read, or hangs, is waited for by nobody."""
        self._threads.end()

    async def _one_at_a_time(self, name: str, read: Callable[[], T]) -> T:
        return await self._in_thread(read, self._lock_of(await self.path_of(name)))

    async def _in_thread(self, work: Callable[[], T], *locks: _Lock) -> T:
        """Do something in a thread, under locks, which are held until it is done.

        That may be later than whoever waits for it is there.
        """
        with ExitStack() as held:
            for lock in locks:
                await lock.acquire()
                held.callback(lock.release)
            done = asyncio.wrap_future(self._threads.do(work))
            release = held.pop_all().close
        done.add_done_callback(lambda _: release())
        return await asyncio.shield(done)

    async def _tell_progress(self, row: Json) -> None:
        """Tell in a row how far its run is; of one that has gone there is nothing to tell."""
        path = self.runs.found(row["run"])
        if path is not None:
            progress = partial(self.runs.progress, row["run"], row["state"])
            row.update(await self._in_thread(progress, self._lock_of(path), self._listing))

    def _lock_of(self, path: Path) -> asyncio.Lock:
        return self._locks.setdefault(path, asyncio.Lock())


def _named(found: Mapping[str, Path], name: str, what: str) -> Path:
    """Where something is that was listed.

    Raises:
        NotFoundError: None of that name is there.
    """
    if name not in found:
        raise NotFoundError(f"there is no {what} {cut(name, 200)!r}; take one that is listed")
    return found[name]
