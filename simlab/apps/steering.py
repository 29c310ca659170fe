"""Steering: commands to live runs, over one connection each, kept as long as the run lives."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from simlab.apps.patience import answered
from simlab.apps.reading import Reading
from simlab.errors import ControlError
from simlab.sim.control.async_client import AsyncControlClient

COMMANDS: Final = ("pause", "resume", "step", "stop", "say", "narrate", "edit", "swap")
"""What may be sent to a run, beside ``hello``; seats are taken by their links."""

_FRESH_S: Final = 1.0
"""How long a run's standing is told again to others who ask: a run pays for each time it is asked,
however many look on."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """A run's standing, as it is being asked for or was."""

    since_s: float
    told: asyncio.Task[Mapping[str, Any]]

    @property
    def is_fresh(self) -> bool:
        return not self.told.done() or time.monotonic() < self.since_s + _FRESH_S


class Steering:
    """Sends commands to the runs that are listed.

    Args:
        reading: Knows where they are.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._clients: dict[Path, AsyncControlClient] = {}
        self._connecting: dict[Path, asyncio.Lock] = {}
        self._standings: dict[str, _Standing] = {}

    async def standing(self, run: str) -> Mapping[str, Any]:
        """Where the live episodes of a run stand: ``{"live": True, "paused", "episodes", …}``.

        Of a run that takes no commands ``{"live": False, "why"}``.
        """
        known = self._standings.get(run)
        if known is None or not known.is_fresh:
            asked = asyncio.create_task(self._ask_standing(run))
            known = self._standings[run] = _Standing(time.monotonic(), asked)
        return await asyncio.shield(known.told)

    async def seats(self, run: str) -> list[str]:
        """The seats of a live run, with or without somebody in them; none of any other."""
        return [*(await self.standing(run)).get("seats", ())]

    async def command(self, run: str, kind: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let a run do something; gives its answer.

        Raises:
            ControlError: It is no command, the run refuses it, or it takes none.
        """
        if kind not in COMMANDS:
            raise ControlError(f"kind must be one of {', '.join(COMMANDS)}, got {kind!r:.80}")
        try:
            return await self.call(run, kind, given)
        finally:
            self._standings.pop(run, None)  # it stands otherwise now

    async def call(self, run: str, kind: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send a request of any kind; raises as `command` does."""
        path = await self._reading.path_of(run)
        client = await self._client(path)
        arguments = {name: value for name, value in given.items() if name not in ("id", "kind")}
        return await answered(client.call(kind, **arguments), kind)

    async def close(self) -> None:
        """Let all runs go on by themselves."""
        asked = [standing.told for standing in self._standings.values()]
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        for client in self._clients.values():
            await client.close()

    async def _ask_standing(self, run: str) -> Mapping[str, Any]:
        try:
            return {"live": True, **await self.call(run, "hello", {})}
        except ControlError as error:
            return {"live": False, "why": error.message}

    async def _client(self, path: Path) -> AsyncControlClient:
        async with self._connecting.setdefault(path, asyncio.Lock()):
            known = self._clients.get(path)
            if known is not None and not known.has_ended:
                return known
            if known is not None:
                await self._clients.pop(path).close()
            client = self._clients[path] = await AsyncControlClient.connect(path)
            return client
