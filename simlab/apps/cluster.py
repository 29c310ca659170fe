"""The cluster: runs that live on a Ray cluster, as a process beside the app tells of them.

Ray is imported there and not here: it takes seconds, and what goes wrong in it stays in it.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from simlab.actors.live import LiveRun
from simlab.view.bounds import Json, cut

_MOST_BYTES: Final = 1 << 22


class ClusterRuns:
    """The runs that are alive on a cluster.

    Args:
        address: Of the cluster, as Ray takes it; None for none.
    """

    def __init__(self, address: str | None) -> None:
        self._address = address
        self._runs: list[LiveRun] = []
        self._trouble = ""
        self._process: Process | None = None
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
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

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
        """Take in what the process beside has told."""
        told: dict[str, Any] = json.loads(line)
        self._trouble = told.get("error", "")
        self._runs = [LiveRun(**run) for run in told.get("runs", [])]

    async def _listen(self, address: str) -> None:
        command = [sys.executable, "-m", "simlab.actors.live", address]
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, limit=_MOST_BYTES
        )
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.take(line)
        code = await self._process.wait()
        self._runs = []
        self._trouble = (
            f"what looked at the Ray cluster at {address} has ended with status {code}; "
            "start this again once the cluster answers"
        )


def _is_here(run: LiveRun) -> bool:
    """Whether its directory can be read here: another may lie at the same place elsewhere."""
    lock = Path(run.path) / "lock"
    try:
        return lock.read_bytes()[:32].strip() == str(run.pid).encode()
    except OSError:
        return False
