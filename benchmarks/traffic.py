"""Actors that exchange messages: what the benchmark of actors sends and counts."""

from dataclasses import dataclass

from benchmarks.workload import bodies
from simlab.actors import Actor, ActorRef


@dataclass(frozen=True, slots=True)
class Add:
    """Count this one; the body is only carried."""

    body: int | bytes


@dataclass(frozen=True, slots=True)
class Count:
    """Say how many there were, and begin anew."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make the messages, before anything is measured; each has a body of its own.

    Attributes:
        n_messages: How many.
        body_bytes: Bytes of each body; 0 for a number.
    """

    n_messages: int
    body_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell a counter all messages; answered once all have arrived."""

    counter: ActorRef


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a counter each message, one after another.

    Attributes:
        counter: Who is asked.
        n_asks: With the first so many of the messages.
    """

    counter: ActorRef
    n_asks: int


class Idle(Actor):
    """Has a little state and nothing to do."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def receive(self, message: Add | Count) -> int:
        """Count, or say how many there were."""
        if isinstance(message, Count):
            count, self.count = self.count, 0
            return count
        self.count += 1
        return self.count


class Source(Actor):
    """Sends prepared messages."""

    def __init__(self) -> None:
        self._messages: list[Add] = []

    async def receive(self, message: Prepare | Tell | Ask) -> None:
        """Prepare, tell or ask.

        Raises:
            RuntimeError: Another number of messages arrived than was sent.
        """
        match message:
            case Prepare(n_messages, body_bytes):
                self._messages = [Add(body) for body in bodies(n_messages, body_bytes)]
            case Tell(counter):
                for each in self._messages:
                    await counter.tell(each)
                await _check(counter, len(self._messages))
            case Ask(counter, n_asks):
                for each in self._messages[:n_asks]:
                    await counter.ask(each)
                await _check(counter, n_asks)


async def _check(counter: ActorRef, n_sent: int) -> None:
    """See that all have arrived: messages of one sender arrive in order, so this one is last."""
    n_arrived = await counter.ask(Count())
    if n_arrived != n_sent:
        raise RuntimeError(f"{n_sent} messages were sent, {n_arrived} arrived")
