"""Several things that are done at once."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simlab.env.environment import Seat
from simlab.errors import EpisodeError


async def all_of(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do several things at once; the first error of one ends the others, and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as errors:
        raise _first_error(errors) from None


def _first_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the others' work: the first that was not cancelled."""
    first = errors.exceptions[0]
    return _first_error(first) if isinstance(first, BaseExceptionGroup) else first


async def in_seat_order(calls: Mapping[Seat, Coroutine[Any, Any, Any]]) -> dict[Seat, Any]:
    """Await calls to several seats at once; of several errors the first in seat order is raised.

    All calls are awaited to their end, also after an error, so that what is recorded of a step that
    fails does not depend on who was faster. The first one runs in the caller's own task: in most
    worlds one or two seats act at once, and a task costs as much as an ask.
    """
    if not calls:
        return {}
    first, *seats = sorted(calls)
    others = [asyncio.create_task(calls[seat]) for seat in seats]
    try:
        outcomes = [await outcome_of(call) for call in (calls[first], *others)]
    except asyncio.CancelledError:
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        raise
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if errors:
        bugs = [error for error in errors if not isinstance(error, EpisodeError)]
        raise (bugs or errors)[0]
    return {seat: each.result for seat, each in zip((first, *seats), outcomes, strict=True)}


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What a call gave, or raised."""

    result: Any
    error: Exception | None = None


async def outcome_of(call: Awaitable[Any]) -> CallOutcome:
    """What a call gave or raised."""
    try:
        return CallOutcome(await call)
    except Exception as error:
        return CallOutcome(None, error)
