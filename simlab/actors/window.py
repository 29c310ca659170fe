"""A window: how many messages for one actor of another host may be under way."""

import asyncio
from collections import deque
from collections.abc import Iterator

from simlab.actors.parcel import WINDOW, Asked, Told
from simlab.errors import HostDiedError


class Window:
    """Counts the messages that the actor has not taken up, and holds back what is too many.

    The first `WINDOW` messages go unasked; then the actor's host says how many it takes.
    """

    __slots__ = ("_held", "_room", "_under_way")

    def __init__(self) -> None:
        self._under_way = 0
        self._room = WINDOW
        self._held: deque[tuple[Told | Asked, asyncio.Future[None]]] = deque()

    @property
    def empty(self) -> bool:
        """Whether nothing is under way and nothing is held back."""
        return not self._under_way and not self._held

    def open(self) -> bool:
        """Count one more message as under way if it may be, and say whether it may."""
        if self._under_way >= self._room:
            return False
        self._under_way += 1
        return True

    def hold(self, parcel: Told | Asked, sent: asyncio.Future[None]) -> None:
        """Keep a parcel until it may go; `sent` is set then, or cancelled by who gives up."""
        self._held.append((parcel, sent))

    def credit(self, n: int, room: int) -> Iterator[Told | Asked]:
        """Count `n` messages as taken up; give those that may go now.

        Args:
            n: How many messages the actor has taken up.
            room: How many of this host's may be under way from now on.
        """
        self._under_way -= n
        self._room = room
        while self._held and self._under_way < self._room:
            parcel, sent = self._held.popleft()
            if not sent.cancelled():
                self._under_way += 1
                sent.set_result(None)
                yield parcel

    def fail(self, reason: str) -> None:
        """Let those whose parcels are held back fail, since the actor's host has died."""
        for _, sent in self._held:
            if not sent.done():
                sent.set_exception(HostDiedError(reason))
        self._held.clear()
