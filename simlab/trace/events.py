"""Events: what a run's log is made of.

Each kind of record is one struct here, encoded as a MessagePack array. What enters digests stands
in its `core`, encoded once and embedded as it is; what tells of the machine (durations and
wall-clock, in fields ending ``_s``) stands beside it.
"""

from typing import ClassVar

import msgspec
from msgspec import Raw, Struct

from simlab.trace.accounts import Account
from simlab.trace.contents import content_hash
from simlab.trace.plain import Plain

BLOB = 1
"""Kind of the record that holds a content; see `simlab.trace.contents`."""


class Event(Struct, array_like=True, frozen=True):
    """One thing that happened; `KIND` is its number in the record's header."""

    KIND: ClassVar[int] = 0


class Fault(Struct, array_like=True, frozen=True):
    """An error as data.

    Attributes:
        type: Name of its class.
        message: What it said.
        boundary: Where it arose, as the errors in `simlab.errors` name it.
        frames: ``file``, ``function``, ``line`` and source text of each call, innermost last.
        cause: The error that it was raised from.
    """

    type: str
    message: str
    boundary: str = ""
    frames: list[tuple[str, str, int, str]] = []
    cause: "Fault | None" = None


class StartedCore(Struct, array_like=True, frozen=True):
    """The part of `Started` that enters the digest."""

    seed: int
    timestep: Plain


class Started(Event, frozen=True):
    """An episode was reset; `digest` begins its chain."""

    KIND: ClassVar[int] = 2
    core: Raw
    digest: bytes
    wall_s: float


class Acted(Struct, array_like=True, frozen=True):
    """What a seat did in a step.

    Attributes:
        seat: Who.
        action: What, as plain data.
        attempts: How many answers it took.
        invalid: Why the last answer was not taken, where the default was played in its place.
        raw: The answer that was not taken.
        late: True: the default was played since the deadline had passed.
        edited: True: the action was put there by a branch or a person, not by the seat's agent.
    """

    seat: str
    action: Plain
    attempts: int = 1
    invalid: str | None = None
    raw: str | None = None
    late: bool = False
    edited: bool = False


class SteppedCore(Struct, array_like=True, frozen=True):
    """The part of `Stepped` that enters the digest."""

    step: int
    now: float
    acted: list[Acted]
    timestep: Plain


class Stepped(Event, frozen=True):
    """The world took actions and said what follows."""

    KIND: ClassVar[int] = 3
    core: Raw
    digest: bytes
    wall_s: float


class EffectCore(Struct, array_like=True, frozen=True):
    """The part of `Effect` that enters the digest: the key, and what came of the call.

    Attributes:
        actor: Who called.
        step: In which step of the episode.
        span: Id of the span in which the call was made.
        kind: ``model``, ``human``, ``tool``, ``clock``, …
        request: Digest of the request.
        nth: How manieth with this digest in this span, from 0.
        result: What the call gave, or None if it failed.
        error: What it raised.
    """

    actor: str
    step: int
    span: int
    kind: str
    request: bytes
    nth: int
    result: Plain
    error: Fault | None


class Effect(Event, frozen=True):
    """Something came in that does not follow from seed and code.

    Attributes:
        core: An `EffectCore`.
        request: What was asked, as `simlab.trace.requests` writes it.
        wall_s: When it was over.
        duration_s: How long it took.
        part: In which of the things that the actor does in a step.
        cost: What the result's ``__cost__`` says: tokens, seconds in the model, attempts.
    """

    KIND: ClassVar[int] = 4
    core: Raw
    request: Plain
    wall_s: float
    duration_s: float
    part: str = ""
    cost: dict[str, float] = {}


class Cancelled(Effect, frozen=True):
    """A call was cut off before anything came of it: in a replay it waits until it is again.

    It enters no digest, since what cut it off follows from the rest of the record. The result in
    its core is None.
    """

    KIND: ClassVar[int] = 11


class Outcome(Struct, array_like=True, frozen=True):
    """How an episode ended; enters the digest.

    Attributes:
        n_steps: Steps taken.
        returns: Sum of rewards by seat, in reward units.
        ended: How each seat's part ended.
        scores: What judges gave it afterwards, by judge.
        failed: What ended it instead, where it failed.
    """

    n_steps: int
    returns: dict[str, float]
    ended: dict[str, str]
    scores: dict[str, Plain]
    failed: Fault | None = None


class Ended(Event, frozen=True):
    """An episode came to its end; `digest` closes its chain."""

    KIND: ClassVar[int] = 5
    core: Raw
    digest: bytes
    wall_s: float
    accounts: list[Account]


class Failed(Ended, frozen=True):
    """An episode failed as data; `core` is an `Outcome` with `failed` set."""

    KIND: ClassVar[int] = 6


class SpanOpened(Event, frozen=True):
    """A span began: part of what an actor does in a step, or part of another span.

    Attributes:
        actor: Who.
        step: In which step of the episode.
        part: In which of the things that the actor does in a step.
        id: Of the span; a span that is written again after a crash has the same.
        parent: Of the span around it, or of the part.
        name: What it is, in words.
        kind: By which spans are grouped and filtered.
        inputs: What went in, by name.
        tags: Name and colour of each.
        wall_s: When it was opened.
    """

    KIND: ClassVar[int] = 7
    actor: str
    step: int
    part: str
    id: int
    parent: int
    name: str
    kind: str
    inputs: dict[str, Plain]
    tags: list[tuple[str, str | None]]
    wall_s: float


class SpanClosed(Event, frozen=True):
    """A span is over, with its result or its error."""

    KIND: ClassVar[int] = 8
    id: int
    result: Plain
    error: Fault | None
    duration_s: float


class Noted(Event, frozen=True):
    """An instant inside a span; the attributes are those of `SpanOpened`, and its data."""

    KIND: ClassVar[int] = 9
    actor: str
    step: int
    part: str
    id: int
    parent: int
    kind: str
    data: Plain
    tags: list[tuple[str, str | None]]
    wall_s: float


KINDS: dict[int, type[Event]] = {
    event.KIND: event
    for event in (Started, Stepped, Effect, Cancelled, Ended, Failed, SpanOpened, SpanClosed, Noted)
}
"""The struct of each kind of record but `BLOB`."""

encode = msgspec.msgpack.Encoder(order="deterministic").encode
"""The one canonical encoding of plain data and events."""


def digest_of(value: Plain) -> str:
    """Of plain data, 32 hex digits."""
    return content_hash(encode(value)).hex()
