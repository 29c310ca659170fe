"""A member of the fleet: one incarnation of a host, and the watch that is kept over it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from simlab.actors.process import HostPlan, HostProcess, News, Spawn
from simlab.errors import HostDiedError

T = TypeVar("T")

_WAITS = 5
"""Into how many waits a heartbeat is cut."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A host process, from its start until it is lost.

    Attributes:
        plan: What it is.
        process: Where it runs.
        orders: The actors that were spawned there from here, by name; successors get them too.
        lost: Done once it is lost; says why.
    """

    plan: HostPlan
    process: HostProcess
    orders: dict[str, Spawn]
    lost: "asyncio.Future[HostDiedError]"

    @property
    def name(self) -> str:
        """Name of the host."""
        return self.plan.name

    @property
    def epoch(self) -> int:
        """Epoch of the host."""
        return self.plan.epoch

    def lose(self, error: HostDiedError) -> None:
        """Count it as lost from now on."""
        if not self.lost.done():
            self.lost.set_result(error)

    async def unless_lost(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something that needs the host.

        Raises:
            HostDiedError: It was lost first.
        """
        task = asyncio.ensure_future(work)
        try:
            awaited: set[asyncio.Future[Any]] = {task, self.lost}
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise self.lost.result()
            return task.result()
        finally:
            task.cancel()

    async def watch(
        self,
        on_news: Callable[["Member", News], None],
        *,
        heartbeat_s: float,
        turn_s: float | None,
    ) -> None:
        """Take its news and feel its pulse until it is lost.

        Args:
            on_news: Called with each piece of news.
            heartbeat_s: It counts as lost if it does not answer a ping for so long, in seconds.
            turn_s: See `watch_turns`; None lets its actors block it.
        """
        watches = [
            asyncio.ensure_future(self._poll(on_news)),
            asyncio.ensure_future(self._beat(heartbeat_s)),
        ]
        if turn_s is not None:
            watches.append(asyncio.ensure_future(self.watch_turns(turn_s)))
        try:
            awaited: set[asyncio.Future[Any]] = {*watches, self.lost}
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            for watch in watches:
                if watch.done():
                    watch.result()
        except HostDiedError as error:
            self.lose(error)
        finally:
            for watch in watches:
                watch.cancel()

    async def watch_turns(self, turn_s: float) -> None:
        """Wait until its event loop takes no turn for so long; then end it, and count it as lost.

        It is ended since its process would go on to compute, and may never hear that it is lost.

        Args:
            turn_s: In seconds; it may be half as much longer until this is seen.
        """
        try:
            while True:
                await self._wait(self.process.turn(), turn_s, "took no turn of its event loop")
                await asyncio.sleep(turn_s / 2)
        except HostDiedError as error:
            self.process.kill()
            self.lose(error)

    async def _poll(self, on_news: Callable[["Member", News], None]) -> None:
        while True:
            for news in await self.process.poll():
                on_news(self, news)

    async def _beat(self, heartbeat_s: float) -> None:
        while True:
            await self._wait(self.process.ping(), heartbeat_s, "gave no sign of life")
            await asyncio.sleep(heartbeat_s / 2)

    async def _wait(self, work: Coroutine[Any, Any, None], limit_s: float, missing: str) -> None:
        """Wait for a sign; by several short waits, lest it take delays of its own for the host's.

        Raises:
            HostDiedError: It did not come in time; says what is missing.
        """
        sign = asyncio.ensure_future(work)
        try:
            for _ in range(_WAITS):
                done, _ = await asyncio.wait({sign}, timeout=limit_s / _WAITS)
                if done:
                    sign.result()
                    return
        finally:
            sign.cancel()
        raise HostDiedError(f"host {self.name!r} of epoch {self.epoch} {missing} for {limit_s} s")
