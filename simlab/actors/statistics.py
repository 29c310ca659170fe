"""What a host can tell of itself: how much was done, and who waits for whom."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from simlab.actors.ref import ActorRef

Reason = Literal["answer", "room"]
"""What is waited for: the answer to an ask, or room in a full mailbox."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody waits for an actor.

    Attributes:
        waiter: The actor that waits; None for what is no actor.
        target: The actor that is waited for.
        reason: An ``"answer"`` to an ask, or ``"room"`` in the mailbox.
        age_s: For how long, in seconds.
        chain: The actors that wait in turn for the waiter, who is the last; the longest-waiting
            first.
    """

    waiter: ActorRef | None
    target: ActorRef
    reason: Reason
    age_s: float
    chain: tuple[ActorRef, ...]

    def __str__(self) -> str:
        whom = " -> ".join(str(ref) for ref in (*self.chain, self.target))
        return (
            f"{whom}: for {'an answer' if self.reason == 'answer' else 'room'}, {self.age_s:.1f} s"
        )


@dataclass(frozen=True, slots=True)
class HostStatistics:
    """What a host has done so far and does now.

    Attributes:
        name: Of the host.
        epoch: Of the host.
        n_actors: How many live there.
        n_handled: How many messages were taken up.
        n_dead_letters: How many told messages found their actor stopped.
        waiting: Who of this host waits for whom, the longest-waiting first.
    """

    name: str
    epoch: int
    n_actors: int
    n_handled: int
    n_dead_letters: int
    waiting: tuple[Waiting, ...]

    @property
    def n_asks(self) -> int:
        """How many asks wait for their answer."""
        return sum(wait.reason == "answer" for wait in self.waiting)

    @property
    def n_senders(self) -> int:
        """How many senders wait for room in a mailbox."""
        return sum(wait.reason == "room" for wait in self.waiting)


class Waits:
    """Everybody in a host who waits right now.

    Args:
        clock: The time in seconds, of any origin.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._waits: dict[int, tuple[ActorRef, Reason, tuple[ActorRef, ...], float]] = {}

    def begin(self, target: ActorRef, reason: Reason, chain: tuple[ActorRef, ...]) -> int:
        """Note that the last of `chain` waits for `target`; returns the number to `end` it by."""
        number = next(self._numbers)
        self._waits[number] = (target, reason, chain, self._clock())
        return number

    def end(self, number: int) -> None:
        """Note that a wait is over."""
        del self._waits[number]

    async def over(
        self, room: Awaitable[None], target: ActorRef, chain: tuple[ActorRef, ...]
    ) -> None:
        """Wait for room in a mailbox, and let that be seen meanwhile."""
        number = self.begin(target, "room", chain)
        try:
            await room
        finally:
            self.end(number)

    def report(self) -> tuple[Waiting, ...]:
        """Who waits, the longest-waiting first."""
        now = self._clock()
        return tuple(
            Waiting(chain[-1] if chain else None, target, reason, now - since, chain)
            for target, reason, chain, since in self._waits.values()
        )
