"""The address of an actor: all that others hold of it."""

from dataclasses import dataclass
from typing import Any

from simlab.actors.local import local_host


@dataclass(frozen=True, slots=True)
class ActorRef:
    """The address of an actor; a picklable value that works in every process of its system.

    It stays valid when the actor's host is replaced, and it may outlive the actor.

    Example::

        ref = await system.spawn(Counter, name="visits")
        await ref.tell(Add(1))
        assert await ref.ask(Read()) == 1

    Attributes:
        system: Id of the actor system.
        host: Name of the host in which the actor lives.
        name: Name of the actor, one of its kind in the host.
    """

    system: str
    host: str
    name: str

    async def tell(self, message: Any) -> None:
        """Send a message and wait for nothing but room in the receiver's mailbox.

        Messages of one sender arrive in the order in which they were sent. A message to an actor
        that has stopped is counted as a dead letter by its host. Where the receiver lives in
        another host, the message is pickled before this returns; if that host has died, this waits
        until it is replaced.

        Args:
            message: Anything; not copied where the receiver lives in this host.

        Raises:
            AskCycleError: The mailbox is full, and the receiver waits for this very sender.
            HostDiedError: The receiver's host has died while this waited for room.
            ActorError: This process has no host of the actor's system.
        """
        await local_host(self.system).tell(self, message)

    async def ask(self, message: Any) -> Any:
        """Send a message and wait for the answer.

        Cancelling it cancels the handling of this message, wherever it has got to. If the
        receiver's host has died before, this waits until it is replaced.

        Args:
            message: Anything; not copied where the receiver lives in this host.

        Returns:
            What the receiver's `receive` returned for it.

        Raises:
            Exception: Whatever the receiver's `receive` raised for it.
            AskCycleError: The receiver waits for this very sender.
            ActorStoppedError: The receiver has stopped, or stops before it answers.
            HostDiedError: The receiver's host has died before it answered.
            ActorError: This process has no host of the actor's system, or what the receiver
                returned or raised cannot be pickled.
        """
        return await local_host(self.system).ask(self, message)

    def __str__(self) -> str:
        return self.name
