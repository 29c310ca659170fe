"""The history of an episode: its committed records, to be met again in their order."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from simlab.errors import ReplayDivergence
from simlab.trace.events import Effect, EffectCore, Ended, Event, Failed, Started, Stepped

Content = Callable[[int, memoryview], str | bytes]
"""Looks up what a reference means, from its code and data."""

EffectKey = tuple[str, int, int, bytes, int]
"""Actor, step, span, digest of the request, how manieth."""

PATIENCE_S = 20.0
"""How long a recorded effect waits for those before it, until the replay counts as parted."""


def key_of(core: EffectCore) -> EffectKey:
    """The key under which an effect is committed once."""
    return (core.actor, core.step, core.span, core.request, core.nth)


@dataclass(slots=True, eq=False)
class Kept:
    """A committed effect: its record, what it says, and its place in the order."""

    event: Effect
    core: EffectCore
    place: int
    turn: asyncio.Future[None] | None = None


class History:
    """What was committed of one episode, released in the order of the record.

    An effect is given out when all records before it were met, so that code that depends on which
    of two answers came first meets them as it did.

    Args:
        events: The episode's records in order; spans and notes are passed over.
        content: Puts long texts back in their place.
    """

    def __init__(self, events: Iterable[Event] = (), content: Content | None = None) -> None:
        self._decode = msgspec.msgpack.Decoder(EffectCore, ext_hook=content).decode
        self._order: list[Kept | Started | Stepped | Ended] = []
        self._effects: dict[EffectKey, Kept] = {}
        self._next = 0
        for event in events:
            self._add(event)

    def _add(self, event: Event) -> None:
        if isinstance(event, Effect):
            core = self._decode(event.core)
            kept = Kept(event, core, len(self._order))
            if key_of(core) not in self._effects:  # committed twice by a replaced host: first wins
                self._effects[key_of(core)] = kept
                self._order.append(kept)
        elif isinstance(event, Started | Stepped | Ended):
            self._order.append(event)

    @property
    def exhausted(self) -> bool:
        """Whether every record was met: what comes now is new."""
        return self._next >= len(self._order)

    @property
    def n_steps(self) -> int:
        """Steps that were committed."""
        return sum(isinstance(record, Stepped) for record in self._order)

    @property
    def end(self) -> Ended | None:
        """The record that closes the episode, where it came to its end."""
        last = self._order[-1] if self._order else None
        return last if isinstance(last, Ended) else None

    def without_end(self) -> "History":
        """The same history with a failure at its end forgotten, so that it can be tried again."""
        again = History()
        again._order = [r for r in self._order if not isinstance(r, Failed)]
        again._effects = self._effects
        return again

    def find(self, key: EffectKey) -> Kept | None:
        """The committed effect with this key, if there is one."""
        return self._effects.get(key)

    async def release(self, kept: Kept) -> None:
        """Wait for the turn of an effect and take it.

        Raises:
            ReplayDivergence: A record before it was not asked for within `PATIENCE_S`.
        """
        if kept.place > self._next:
            kept.turn = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await kept.turn
            except TimeoutError:
                raise ReplayDivergence(
                    f"{_effect_words(kept.core)} waits for {self._awaited()}, which the replay "
                    "never asked for; the code or its versions have changed since the record"
                ) from None
        self._next = kept.place + 1
        self._wake()

    def meet(self) -> Started | Stepped | Ended | None:
        """The step (or beginning, or end) that stands next in the record, or None past its end.

        Raises:
            ReplayDivergence: An effect stands next: the record has a call that was not made.
        """
        if self.exhausted:
            return None
        record = self._order[self._next]
        if isinstance(record, Kept):
            raise ReplayDivergence(
                f"the record holds {_effect_words(record.core)} here, the replay did without; "
                "the code or its versions have changed since"
            )
        self._next += 1
        self._wake()
        return record

    def rivals(self, key: EffectKey) -> list[Kept]:
        """Committed effects of the same actor and step, to show beside one that is not there."""
        return [kept for kept in self._effects.values() if key_of(kept.core)[:2] == key[:2]]

    def _wake(self) -> None:
        if not self.exhausted:
            record = self._order[self._next]
            if isinstance(record, Kept) and record.turn is not None and not record.turn.done():
                record.turn.set_result(None)

    def _awaited(self) -> str:
        record = self._order[self._next]
        return _effect_words(record.core) if isinstance(record, Kept) else "the end of a step"


def _effect_words(core: EffectCore) -> str:
    return f"a call of kind {core.kind!r} by {core.actor!r} in step {core.step}"
