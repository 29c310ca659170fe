"""What surrounds a message on its way, and what is known where it is handled."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simlab.errors import AskCycleError
from simlab.trace.span import current

if TYPE_CHECKING:
    from simlab.actors.cell import Cell
    from simlab.actors.outbox import Outbox
    from simlab.actors.ref import ActorRef

Reply = asyncio.Future[Any]
"""Where the answer to an ask goes; cancelled once nobody waits for it."""

carried: ContextVar[Any] = current
"""What travels with every message beside it: the span that is open at its sender.

The receiver sees it while it handles the message: the object itself in one host, a pickled copy,
which writes nothing, between hosts.
"""

handled: ContextVar["Envelope | None"] = ContextVar("handled", default=None)
"""The envelope whose message is being handled here, or None outside all actors."""


@dataclass(slots=True, eq=False)
class Envelope:
    """A message with its receiver and all that its sender need not say.

    Mutable, since one is made for every message and freezing would make that several times dearer.

    Attributes:
        message: What was sent.
        cell: The receiver, in its host.
        reply: Where the answer goes; None for a `tell`.
        chain: The actors that wait, through asks, for this answer, the longest-waiting first.
        carried: What `carried` was at the sender.
        outbox: Where to credit the sending host once the message is taken up; None in one host.
        over: True once the message was handled, so that a task which outlives its handling is
            not taken for it.
    """

    message: Any
    cell: "Cell"
    reply: Reply | None = None
    chain: "tuple[ActorRef, ...]" = ()
    carried: object | None = None
    outbox: "Outbox | None" = None
    over: bool = False

    @property
    def abandoned(self) -> bool:
        """Whether somebody asked and waits no longer."""
        return self.reply is not None and self.reply.done()

    def answer(self, value: Any) -> None:
        """Give the answer to whoever waits for it."""
        if self.reply is not None and not self.reply.done():
            self.reply.set_result(value)

    def fail(self, error: Exception) -> bool:
        """Raise an error in whoever waits for the answer, and say whether somebody does."""
        if self.reply is None or self.reply.done():
            return False
        if isinstance(error, StopIteration):  # no future takes one; as in any coroutine (PEP 479)
            self.reply.set_exception(RuntimeError(f"receive() raised {error!r}"))
        else:
            self.reply.set_exception(error)
        return True


def chain_here() -> "tuple[ActorRef, ...]":
    """The actors that wait for what runs here; the one that is running is the last.

    Empty outside actors, and in what an actor left running after it had handled its message: it
    holds up nobody.
    """
    here = handled.get()
    if here is None or here.over:
        return ()
    return (*here.chain, here.cell.ref)


def chain_to(ref: "ActorRef") -> "tuple[ActorRef, ...]":
    """`chain_here`, for somebody who is about to wait for `ref`.

    Raises:
        AskCycleError: `ref` is one of those who wait.
    """
    chain = chain_here()
    if ref in chain:
        cycle = " -> ".join(str(waiting) for waiting in (*chain[chain.index(ref) :], ref))
        raise AskCycleError(f"{cycle}: every actor here waits for the next; use tell()")
    return chain
