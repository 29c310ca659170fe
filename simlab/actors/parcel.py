"""What travels between hosts: parcels, in numbered batches."""

import pickle
import traceback
from collections.abc import Callable
from typing import Any

import msgspec

from simlab.errors import ActorError
from simlab.stray import message_of

Pickle = Callable[[Any], bytes]
"""Makes bytes of a message, its answer or an error; `pickle.loads` reads them."""


WINDOW = 32
"""How many messages for an actor may be under way before its host has said how many it takes."""


class Told(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """A message for an actor; `body` is pickled: message, chain, what is carried."""

    to: str
    body: bytes


class Asked(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A message whose answer is waited for; `number` is the ask's, of the asking host."""

    number: int
    to: str
    body: bytes


class Answered(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The answer to an ask; `body` is the pickled answer."""

    number: int
    body: bytes


class Failed(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The error in place of an answer; `body` is pickled: the error and where it was raised."""

    number: int
    body: bytes


class GaveUp(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Nobody waits any longer for the answer to an ask."""

    number: int

    @property
    def body(self) -> bytes:
        """Nothing."""
        return b""


class Credited(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """An actor has taken up `n` messages of the host that is told so; its mailbox holds `room`."""

    to: str
    n: int
    room: int


Letter = Told | Asked | Answered | Failed | GaveUp
"""What is sent in order."""

Parcel = Letter | Credited
"""What a batch carries."""


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Parcels from one incarnation of a host to one of another.

    Attributes:
        system: Id of the actor system.
        sender: Name of the sending host.
        sender_epoch: Its epoch.
        receiver: Name of the receiving host.
        receiver_epoch: The epoch that it is believed to have.
        number: Counted from 0 over all batches between the two.
        parcels: In the order in which they were sent.
    """

    system: str
    sender: str
    sender_epoch: int
    receiver: str
    receiver_epoch: int
    number: int
    parcels: list[Parcel]


encode_batch = msgspec.msgpack.Encoder().encode
"""The bytes of a batch."""

decode_batch = msgspec.msgpack.Decoder(Batch).decode
"""The batch in some bytes; raises `msgspec.DecodeError` for any that are none."""


def pickle_5(value: Any) -> bytes:
    """Plain pickle, protocol 5: what is defined in an importable module, and fast."""
    return pickle.dumps(value, protocol=5)


def pack_error(error: BaseException, dumps: Pickle) -> bytes:
    """An error as a body: itself if it survives pickling, else an `ActorError` that tells of it."""
    where = "".join(traceback.format_exception(error))
    try:
        body = dumps((error, where))
        pickle.loads(body)
    except Exception:
        told = ActorError(f"{type(error).__name__} (which cannot be pickled): {message_of(error)}")
        return pickle_5((told, where))
    return body


def unpack_error(packed: tuple[Exception, str], origin: str) -> Exception:
    """The error that was packed, with a note of where it was raised.

    Args:
        packed: What `pickle.loads` gives for the body.
        origin: Name of the host that it comes from.
    """
    error, where = packed
    error.add_note(f"raised in host {origin!r}:\n{where}")
    return error
