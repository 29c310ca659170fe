"""Messages from the actors of another host, and the answers that go back."""

import pickle
from functools import partial
from typing import TYPE_CHECKING

from simlab.actors.cell import stopped_error
from simlab.actors.envelope import Envelope, Reply
from simlab.actors.outbox import Outbox
from simlab.actors.parcel import WINDOW, Answered, Asked, Failed, GaveUp, Told, pack_error
from simlab.actors.ref import ActorRef
from simlab.errors import ActorError, ActorStoppedError

if TYPE_CHECKING:
    from simlab.actors.host import Host


class Incoming:
    """Puts messages into mailboxes and sends back what comes of them.

    A full mailbox refuses nothing that comes from another host: it stands in line there, and no
    more of it can come than the sending host's window allows.

    Args:
        host: This side.
        outbox: The way back.
    """

    def __init__(self, host: "Host", outbox: Outbox) -> None:
        self._host = host
        self._outbox = outbox
        self._answering: dict[int, Envelope] = {}

    def deliver(self, parcel: Told | Asked) -> None:
        """Put a message into its receiver's mailbox; what cannot be put there is refused."""
        ref = self._host.ref(parcel.to)
        reply = self._expect_reply(parcel.number, ref) if isinstance(parcel, Asked) else None
        try:
            envelope = self._open(parcel, ref, reply)
        except ActorError as error:
            self._outbox.credit(parcel.to, WINDOW)
            self._refuse(ref, reply, error)
            return
        if isinstance(parcel, Asked):
            self._answering[parcel.number] = envelope
        if not envelope.cell.offer(envelope):
            envelope.cell.line_up(envelope, None)

    def abandon(self, parcel: GaveUp) -> None:
        """Skip a message whose asker has given up, or cancel its handling."""
        envelope = self._answering.get(parcel.number)
        if envelope is not None:
            envelope.cell.abandon(envelope)

    def abandon_all(self) -> None:
        """Skip or cancel all that the other host has asked, since it is gone."""
        for envelope in list(self._answering.values()):
            envelope.cell.abandon(envelope)

    def _open(self, parcel: Told | Asked, ref: ActorRef, reply: Reply | None) -> Envelope:
        cell = self._host.cell(ref.name)
        if cell is None:
            raise stopped_error(ref)
        try:
            message, chain, carried = pickle.loads(parcel.body)
        except Exception as error:
            raise ActorError(
                f"a message for {ref.name!r} cannot be read in host {ref.host!r}: {error!r}"
            ) from error
        return Envelope(message, cell, reply, chain, carried, self._outbox)

    def _refuse(self, ref: ActorRef, reply: Reply | None, error: ActorError) -> None:
        if reply is not None:
            reply.set_exception(error)
        elif isinstance(error, ActorStoppedError):
            self._host.n_dead_letters += 1
        else:
            self._host.report(ref, error)

    def _expect_reply(self, number: int, ref: ActorRef) -> Reply:
        reply: Reply = self._host.loop.create_future()
        reply.add_done_callback(partial(self._send_reply, number, ref))
        return reply

    def _send_reply(self, number: int, ref: ActorRef, reply: Reply) -> None:
        self._answering.pop(number, None)
        if not reply.cancelled():
            self._outbox.put(self._reply_parcel(number, ref, reply))

    def _reply_parcel(self, number: int, ref: ActorRef, reply: Reply) -> Answered | Failed:
        error = reply.exception()
        if error is None:
            try:
                return Answered(number, self._host.dumps(reply.result()))
            except Exception as cause:
                error = ActorError(f"the answer of {ref.name!r} cannot be pickled: {cause!r}")
                error.__cause__ = cause
        return Failed(number, pack_error(error, self._host.dumps))
