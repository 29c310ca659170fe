"""Messages to the actors of another host, and the answers that come back."""

import asyncio
import itertools
import pickle
from typing import TYPE_CHECKING, Any

from simlab.actors.envelope import Reply, carried, chain_here, chain_to
from simlab.actors.outbox import Outbox
from simlab.actors.parcel import Answered, Asked, Credited, Failed, GaveUp, Told, unpack_error
from simlab.actors.ref import ActorRef
from simlab.actors.window import Window
from simlab.errors import ActorError, HostDiedError

if TYPE_CHECKING:
    from simlab.actors.host import Host


class Outgoing:
    """Sends messages through an outbox, each actor's as fast as that actor takes them up.

    Args:
        host: This side.
        peer: Name of the other side.
        outbox: The way there.
    """

    def __init__(self, host: "Host", peer: str, *, outbox: Outbox) -> None:
        self._host = host
        self._peer = peer
        self._outbox = outbox
        self._windows: dict[str, Window] = {}
        self._numbers = itertools.count()
        self._asked: dict[int, Reply] = {}
        self._lost: str | None = None

    async def tell(self, ref: ActorRef, message: Any) -> None:
        """Send a message to an actor of the other host.

        Raises:
            AskCycleError: The sender would have to wait for the receiver, who waits for it.
            HostDiedError: The other host has died.
        """
        body = self._host.dumps((message, (), carried.get()))
        await self._send(ref, Told(ref.name, body))

    async def ask(self, ref: ActorRef, message: Any, *, chain: tuple[ActorRef, ...]) -> Any:
        """Send a message to an actor of the other host and wait for the answer.

        Args:
            ref: The actor.
            message: Pickled at once.
            chain: The actors that wait for the answer; the asker is the last.

        Raises:
            Exception: What the actor raised.
            HostDiedError: The other host has died, or dies before it answers.
        """
        body = self._host.dumps((message, chain, carried.get()))
        number = next(self._numbers)
        reply = self._asked[number] = self._host.loop.create_future()
        try:
            await self._send(ref, Asked(number, ref.name, body))
            return await reply
        except asyncio.CancelledError:
            self._outbox.put(GaveUp(number))
            raise
        finally:
            del self._asked[number]

    def settle(self, parcel: Answered | Failed) -> None:
        """Give an answer to its asker, unless that one has given up."""
        reply = self._asked.get(parcel.number)
        if reply is None or reply.done():
            return
        try:
            outcome = pickle.loads(parcel.body)
        except Exception as error:
            lost = ActorError(f"what host {self._peer!r} answered cannot be read here: {error!r}")
            lost.__cause__ = error
            reply.set_exception(lost)
            return
        if isinstance(parcel, Answered):
            reply.set_result(outcome)
        else:
            reply.set_exception(unpack_error(outcome, self._peer))

    def credit(self, parcel: Credited) -> None:
        """Send what was held back for an actor and may go now."""
        window = self._windows.get(parcel.to)
        if window is None:
            return
        for held in window.credit(parcel.n, parcel.room):
            self._outbox.put(held)
        if window.empty:
            del self._windows[parcel.to]

    def fail(self, reason: str) -> None:
        """Let all who wait for the other host fail, and all who are about to send."""
        self._lost = reason
        for window in self._windows.values():
            window.fail(reason)
        self._windows.clear()
        for reply in self._asked.values():
            if not reply.done():
                reply.set_exception(HostDiedError(reason))
                reply.exception()  # marks it as seen, for its asker may still wait for room

    async def _send(self, ref: ActorRef, parcel: Told | Asked) -> None:
        if self._outbox.full:
            await self._host.waits.over(self._outbox.wait_until_not_full(), ref, chain_here())
        if self._lost is not None:
            raise HostDiedError(self._lost)
        window = self._windows.get(ref.name)
        if window is None:
            window = self._windows[ref.name] = Window()
        if window.open():
            self._outbox.put(parcel)
        else:
            chain = chain_to(ref)
            sent = self._host.loop.create_future()
            window.hold(parcel, sent)
            await self._host.waits.over(sent, ref, chain)
