"""An actor: state of its own, and messages taken one at a time."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from simlab.actors.local import local_host
from simlab.actors.ref import ActorRef

if TYPE_CHECKING:
    from simlab.actors.host import Host


class Actor(ABC):
    """Owns state that nobody else touches, and is reached by messages only.

    One message is handled at a time: a second never begins while `receive` waits, so an actor needs
    no locks. An idle actor costs its memory and nothing else.

    Example::

        class Counter(Actor):
            def __init__(self) -> None:
                self._count = 0

            def receive(self, message: Add | Read) -> int:
                match message:
                    case Add(n):
                        self._count += n
                return self._count

    Attributes:
        ref: Its address; set when it is spawned, after `__init__`.
    """

    __slots__ = ("ref",)

    ref: ActorRef

    @abstractmethod
    def receive(self, message: Any) -> Any:
        """Handle a message; plain or async, which is decided once for the class.

        Called with one message after the other. An exception goes to the asker; one that is raised
        for a `tell` is reported to the host's `on_failure`, and the actor lives on.

        Args:
            message: What was sent.

        Returns:
            The answer to an `ask`; dropped after a `tell`. With an `asyncio.Future`, the answer
            goes out when that is done, and the next message is taken meanwhile: so one actor can
            serve many asks at once. Each message needs a future of its own.
        """

    def started(self) -> Awaitable[None] | None:
        """Called once, plain or async, before the first message; an error ends the actor."""
        return None

    def stopped(self) -> Awaitable[None] | None:
        """Called once, plain or async, after the last message, when the actor is stopped."""
        return None

    @property
    def host(self) -> "Host":
        """The host in which it lives, to spawn and stop its like beside it."""
        return local_host(self.ref.system)
