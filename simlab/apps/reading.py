"""Reading: runs are read in threads, one reader at a time for each."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from simlab.view.opened import OpenedRun
from simlab.view.runs import Runs
from simlab.view.steps import Steps

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 4


class Reading:
    """What is read of the runs that this app was given, and of no others.

    Args:
        roots: Folders with runs below them, or runs.
    """

    def __init__(self, roots: list[Path]) -> None:
        self.runs = Runs(roots)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="reading")
        self._list_lock = threading.Lock()
        self._locks: dict[Path, threading.Lock] = {}

    async def of_list(
        self, read: Callable[Concatenate[Runs, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Give what a function reads of the list of runs."""

        def work() -> T:
            with self._list_lock:
                return read(self.runs, *args, **kwargs)

        return await self._in_thread(work)

    async def of_run(
        self,
        name: str,
        read: Callable[Concatenate[OpenedRun, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Give what a function reads of a run that was listed.

        Raises:
            ConfigError: None of that name is there, or what the function raises of bad input.
            RunDirectoryError: It is not as SimLab writes it.
            LogDamagedError: A segment is damaged before its tail.
        """
        return await self._one_at_a_time(name, lambda: read(self._open(name), *args, **kwargs))

    async def of_steps(
        self,
        name: str,
        read: Callable[Concatenate[Steps, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Give what a function reads of the steps of a run; raises as `of_run` does."""
        return await self._one_at_a_time(name, lambda: read(self._steps(name), *args, **kwargs))

    async def of_two(self, name: str, other: str, read: Callable[[OpenedRun, OpenedRun], T]) -> T:
        """Give what a function reads of two runs, or of one twice; raises as `of_run` does."""
        paths = {name: await self.path_of(name), other: await self.path_of(other)}

        def work() -> T:
            with ExitStack() as held:
                for path in sorted({*paths.values()}):  # in one order, so that none waits for ever
                    held.enter_context(self._lock_of(path))
                return read(self._open(name), self._open(other))

        return await self._in_thread(work)

    async def path_of(self, name: str) -> Path:
        """Where a run is that was listed.

        Raises:
            ConfigError: None of that name is there.
        """
        return await self.of_list(Runs.path_of, name)

    def close(self) -> None:
        """End the threads, once what they are at is done."""
        self._threads.shutdown()

    async def _one_at_a_time(self, name: str, read: Callable[[], T]) -> T:
        path = await self.path_of(name)

        def work() -> T:
            with self._lock_of(path):
                return read()

        return await self._in_thread(work)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _lock_of(self, path: Path) -> threading.Lock:
        return self._locks.setdefault(path, threading.Lock())

    def _open(self, name: str) -> OpenedRun:
        with self._list_lock:
            return self.runs.open(name)

    def _steps(self, name: str) -> Steps:
        with self._list_lock:
            return self.runs.steps(name)
