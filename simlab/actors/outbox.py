"""The sending end of a link: letters gather into batches while others are under way."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from simlab.actors.parcel import WINDOW, Credited, Letter, Parcel

BATCH_PARCELS = 1_000
"""A batch carries at most so many parcels ..."""

BATCH_BYTES = 1_000_000
"""... and is closed once their bodies sum up to this."""

IN_FLIGHT = 4
"""So many batches may be under way before the next one waits."""

FULL_PARCELS = 4 * BATCH_PARCELS
"""Senders wait while so many parcels are to be sent ..."""

FULL_BYTES = 8 * BATCH_BYTES
"""... or so many bytes."""


class Outbox:
    """Sends a batch with each turn of the event loop; what comes meanwhile goes with the next.

    Credits ride along with whatever is sent, and cause a batch of their own only when the other
    side may soon have to wait for them.

    Args:
        loop: Of the host.
        ship: Sends the parcels of a batch, given its number; never raises.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ship: Callable[[int, list[Parcel]], Coroutine[Any, Any, None]],
    ) -> None:
        self._loop = loop
        self._ship = ship
        self._letters: deque[Letter] = deque()
        self._n_bytes = 0
        self._credits: dict[str, Credited] = {}
        self._number = 0
        self._under_way: set[asyncio.Task[None]] = set()
        self._flush_due = False
        self._closed = False
        self._senders: deque[asyncio.Future[None]] = deque()

    @property
    def full(self) -> bool:
        """Whether senders have to wait."""
        return len(self._letters) >= FULL_PARCELS or self._n_bytes >= FULL_BYTES

    def put(self, letter: Letter) -> None:
        """Send a letter soon, behind all earlier ones; nothing once the outbox is closed."""
        if self._closed:
            return
        self._letters.append(letter)
        self._n_bytes += len(letter.body)
        self._flush_soon()

    def credit(self, actor: str, room: int) -> None:
        """Let the other side know soon that an actor has taken up one more of its messages.

        Args:
            actor: Name of the actor.
            room: How many messages its mailbox holds.
        """
        owed = self._credits.get(actor)
        n = 1 if owed is None else owed.n + 1
        self._credits[actor] = Credited(actor, n, room)
        if 2 * n >= min(room, WINDOW) or len(self._credits) >= BATCH_PARCELS:
            self._flush_soon()

    async def wait_until_not_full(self) -> None:
        """Wait until there is room for one more sender's letter."""
        while self.full:
            turn = self._loop.create_future()
            self._senders.append(turn)
            await turn

    async def wait_until_empty(self) -> None:
        """Wait until all that was put has been sent."""
        while self._under_way or self._letters:
            self._flush()
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)

    def close(self) -> None:
        """Forget what was not sent; senders who wait go on, and will find the link closed."""
        self._closed = True
        self._letters.clear()
        self._credits.clear()
        self._n_bytes = 0
        self._admit_senders()
        for task in self._under_way:
            task.cancel()

    def _flush_soon(self) -> None:
        if not self._flush_due and not self._closed:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        while (self._letters or self._credits) and len(self._under_way) < IN_FLIGHT:
            task = self._loop.create_task(self._ship(self._number, self._cut()))
            self._number += 1
            self._under_way.add(task)
            task.add_done_callback(self._landed)
        self._admit_senders()

    def _cut(self) -> list[Parcel]:
        """The next batch: all credits, then letters up to the limits."""
        batch: list[Parcel] = list(self._credits.values())
        self._credits.clear()
        n_bytes = 0
        while self._letters and len(batch) < BATCH_PARCELS and n_bytes < BATCH_BYTES:
            letter = self._letters.popleft()
            n_bytes += len(letter.body)
            batch.append(letter)
        self._n_bytes -= n_bytes
        return batch

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if self._letters or self._credits:
            self._flush_soon()

    def _admit_senders(self) -> None:
        while self._senders and not self.full:
            turn = self._senders.popleft()
            if not turn.done():
                turn.set_result(None)
