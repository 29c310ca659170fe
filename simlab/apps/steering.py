"""Steering: commands to live runs, over one connection each, kept as long as the run lives."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from simlab.apps.reading import Reading
from simlab.errors import ControlError
from simlab.sim.control.client import AsyncControlClient

COMMANDS: Final = ("pause", "resume", "step", "stop", "say", "narrate", "edit", "swap")
"""What may be sent to a run, beside ``hello``; seats are taken by their links."""


class Steering:
    """Sends commands to the runs that are listed.

    Args:
        reading: Knows where they are.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._clients: dict[Path, AsyncControlClient] = {}
        self._connecting: dict[Path, asyncio.Lock] = {}

    async def standing(self, run: str) -> Mapping[str, Any]:
        """Where the live episodes of a run stand: ``{"live": True, "paused", "episodes", …}``.

        Of a run that takes no commands ``{"live": False, "why"}``.
        """
        try:
            return {"live": True, **await self.call(run, "hello", {})}
        except ControlError as error:
            return {"live": False, "why": error.message}

    async def command(self, run: str, kind: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let a run do something; gives its answer.

        Raises:
            ControlError: It is no command, the run refuses it, or it takes none.
        """
        if kind not in COMMANDS:
            raise ControlError(f"kind must be one of {', '.join(COMMANDS)}, got {kind!r}")
        return await self.call(run, kind, given)

    async def call(self, run: str, kind: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send a request of any kind; raises as `command` does."""
        path = await self._reading.path_of(run)
        client = await self._client(path)
        arguments = {name: value for name, value in given.items() if name not in ("id", "kind")}
        return await client.call(kind, **arguments)

    async def close(self) -> None:
        """Let all runs go on by themselves."""
        for client in self._clients.values():
            await client.close()

    async def _client(self, path: Path) -> AsyncControlClient:
        async with self._connecting.setdefault(path, asyncio.Lock()):
            known = self._clients.get(path)
            if known is not None and not known.has_ended:
                return known
            client = self._clients[path] = await AsyncControlClient.connect(path)
            return client
