"""The cluster: runs that live on a Ray cluster, as a process beside the app tells of them.

Ray is imported there and not here: it takes seconds, and what goes wrong in it stays in it.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from simlab.actors.live import LiveRun
from simlab.view.bounds import Json, cut

_LOOKING: Final = (sys.executable, "-m", "simlab.actors.live")
_MOST_BYTES: Final = 1 << 22


class _Told(msgspec.Struct):
    """What the process beside tells: the runs, or why it knows of none."""

    runs: list[LiveRun] = []
    error: str = ""


class ClusterRuns:
    """The runs that are alive on a cluster.

    Args:
        address: Of the cluster, as Ray takes it; None for none.
        command: Tells of the cluster at the address that follows it, a line of JSON each time.
    """

    def __init__(self, address: str | None, *, command: Sequence[str] = _LOOKING) -> None:
        self._address = address
        self._command = command
        self._runs: list[LiveRun] = []
        self._trouble = ""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, if there is a cluster."""
        if self._address is not None:
            self._task = asyncio.create_task(self._listen(self._address))

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def here(self) -> Mapping[str, Path]:
        """The directories that can be read here, by names for them."""
        paths = [Path(run.path) for run in self._runs if _is_here(run)]
        return {f"{path.name} on the cluster, {path.parent}": path for path in paths}

    def elsewhere(self) -> list[Json]:
        """The others: rows of the list with the machine on which they can be opened."""
        return [
            {
                "run": cut(run.path, 1000),
                "path": cut(f"{run.machine}:{run.path}", 1000),
                "machine": cut(run.machine, 200),
                "state": "running",
                "n_hosts": run.n_hosts,
            }
            for run in self._runs
            if not _is_here(run)
        ]

    def trouble(self) -> str:
        """Why nothing is known of the cluster; empty where something is."""
        return cut(self._trouble, 1000)

    def take(self, line: bytes) -> None:
        """Take in what the process beside has told.

        Raises:
            MsgspecError: It is nothing of the kind.
        """
        told = msgspec.json.decode(line, type=_Told)
        self._trouble = told.error
        self._runs = told.runs

    async def _listen(self, address: str) -> None:
        try:
            why = f"has ended with status {await self._follow(address)}"
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            why = f"cannot be followed: {error}"
        self._runs = []
        self._trouble = (
            f"what looks at the Ray cluster at {address} {why}; start this again once the cluster "
            "answers"
        )

    async def _follow(self, address: str) -> int:
        """Take in what the process beside tells, until it ends; gives its status."""
        process = await asyncio.create_subprocess_exec(
            *self._command, address, stdin=PIPE, stdout=PIPE, limit=_MOST_BYTES
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self.take(line)
            return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _is_here(run: LiveRun) -> bool:
    """Whether its directory can be read here: another may lie at the same place elsewhere."""
    lock = Path(run.path) / "lock"
    try:
        return lock.read_bytes()[:32].strip() == str(run.pid).encode()
    except OSError:
        return False
