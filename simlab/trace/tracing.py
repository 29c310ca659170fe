"""Effects, spans and notes: how code inside a run reaches the run's log."""

import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

from simlab.seeding import derive
from simlab.trace.span import (
    Span,
    SpanState,
    Tag,
    current,
    current_span,
    inside,
    note,
    span,
)
from simlab.trace.text import word
from simlab.trace.traced import traced
from simlab.trace.turn import AWAIT_CALLS, is_over, root_id, turn

__all__ = [
    "Span",
    "SpanState",
    "Tag",
    "current_span",
    "drawing_by",
    "effect",
    "inside",
    "note",
    "root_id",
    "span",
    "traced",
    "turn",
]

T = TypeVar("T")

_seeds: ContextVar[Iterator[int]] = ContextVar("seeds")
"""Of the calls inside the call that is made here."""

_ZEROS = itertools.repeat(0)
"""The seeds of calls outside of a run."""


async def effect(
    kind: str, request: Any, call: Callable[[int], Awaitable[T] | T], *, returns: Any = Any
) -> T:
    """Do something whose outcome does not follow from seed and code, once in the life of a run.

    The outcome, be it a result or an error, is committed. A replay, a resumed run or a branch gets
    it from the record and makes no call. So all that `call` does is part of this one effect: other
    effects, calls of models, spans and notes inside it are not recorded, and count no tokens.

    It must be over when the agent's ``act`` or ``observe`` returns, else the episode fails: in
    which step it came would depend on how long it took.

    Args:
        kind: ``model``, ``human``, ``tool``, ``clock``, or a word of your own.
        request: What is asked; it identifies the call, with the span and how manieth it is.
        call: Makes the call, with a seed that follows from where in the run it stands. May be
            async or not.
        returns: The type to turn a recorded result into: a number of 64 bits, text, bytes, list,
            tuple, a dict with texts for keys, or a dataclass, pydantic model or msgspec struct of
            these. Sets, dates, enums and integers of more bits cannot be turned back: let `call`
            return their items or values. A model gets no key ``_type``, which names types in the
            log. By default plain data.

    Returns:
        What `call` returned, as the log gives it back: also in a live run tuples are lists, and
        dataclasses dicts, unless `returns` says what they are.

    Raises:
        ReplayDivergence: The record has another call in this place.
        LateCallError: The turn is over in which the call is made.
        TypeError: The kind is no text.
        RecordedError: `call` raised an error of a class that is neither SimLab's nor Python's.
        TypeError: What it returned is not of the type `returns`; recorded as an error of `call`.
    """
    kind = word("the kind of an effect", kind)
    here = current_span()
    if here is None or here.journal is None:
        return await _called(call, next(_seeds.get(_ZEROS)))
    if is_over(here):
        raise here.journal.refuse(
            f"{here.actor!r} makes a call of kind {kind!r} when its turn in step {here.step} is "
            f"over; {AWAIT_CALLS}"
        )
    return await here.journal.effect(here, kind, request, partial(_alone, call), returns)


async def _alone(call: Callable[[int], Awaitable[T] | T], seed: int) -> T:
    """Make a call outside of all spans: a replay, which does not make it, asks for nothing inside.

    Calls inside it draw by seeds that derive from its own.
    """
    outer = current.set(None)
    try:
        with drawing_by(seed):
            return await _called(call, seed)
    finally:
        current.reset(outer)


@contextmanager
def drawing_by(seed: int) -> Iterator[None]:
    """Within the block calls outside of a run draw by seeds that derive from this one."""
    seeds = _seeds.set(map(partial(derive, seed), itertools.count()))
    try:
        yield
    finally:
        _seeds.reset(seeds)


async def _called(call: Callable[[int], Awaitable[T] | T], seed: int) -> T:
    """What a call gives that is async or not."""
    given = call(seed)
    return await given if hasattr(given, "__await__") else given
