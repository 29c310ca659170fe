"""A mailbox: messages that wait for an actor, and senders that wait for room."""

import asyncio
from collections import deque

from simlab.actors.envelope import Envelope


class Mailbox:
    """A bounded queue in which senders, too, stand in line.

    Who finds it full waits, and the message of the one who has waited longest takes the next free
    place: no newcomer overtakes. Made when a message comes to an idle actor and dropped when the
    last one was taken, so idle actors have none.

    Args:
        capacity: How many messages it holds.
    """

    __slots__ = ("_capacity", "_messages", "_senders")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._messages: deque[Envelope] = deque()
        self._senders: deque[tuple[Envelope, asyncio.Future[None] | None]] | None = None

    def __len__(self) -> int:
        return len(self._messages)

    def offer(self, envelope: Envelope) -> bool:
        """Take a message in if there is room, and say whether there was."""
        if len(self._messages) >= self._capacity:
            return False
        self._messages.append(envelope)
        return True

    def line_up(self, envelope: Envelope, room: asyncio.Future[None] | None) -> None:
        """Put a message in line for a place in a full mailbox.

        Args:
            envelope: The message.
            room: Set once it has its place; cancelled by a sender who does not wait any longer.
                None where nobody waits, as for messages from other hosts, which are held up there.
        """
        if self._senders is None:
            self._senders = deque()
        self._senders.append((envelope, room))

    def take(self) -> Envelope:
        """The oldest message; its place goes to the first in line.

        Raises:
            IndexError: It is empty.
        """
        envelope = self._messages.popleft()
        if self._senders:
            self._admit()
        return envelope

    def clear(self) -> list[Envelope]:
        """Take out all messages, and those in line as well; nobody waits afterwards."""
        messages = list(self._messages)
        self._messages.clear()
        while self._senders:
            self._admit()
            messages.extend(self._messages)
            self._messages.clear()
        return messages

    def _admit(self) -> None:
        assert self._senders is not None
        while self._senders and len(self._messages) < self._capacity:
            envelope, room = self._senders.popleft()
            if room is not None:
                if room.cancelled():
                    continue
                room.set_result(None)
            self._messages.append(envelope)
