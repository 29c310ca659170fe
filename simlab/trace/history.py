"""The history of an episode: its committed records, to be met again in their order."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from simlab.errors import ReplayDivergence
from simlab.trace.contents import Content
from simlab.trace.events import (
    Cancelled,
    Effect,
    EffectCore,
    Ended,
    Event,
    Failed,
    Started,
    Stepped,
)

FindContent = Callable[[int, memoryview], Content]
"""Looks up what a reference means, from its code and data."""

EffectKey = tuple[str, int, int, bytes, int]
"""Actor, step, span, digest of the request, how manieth."""

PATIENCE_S = 20.0
"""How long a recorded effect waits while no record is met, until the replay counts as parted."""

Milestone = Started | Stepped | Ended
"""The records that an episode commits."""


def key_of(core: EffectCore) -> EffectKey:
    """The key under which an effect is committed once."""
    return (core.actor, core.step, core.span, core.request, core.nth)


@dataclass(slots=True, eq=False)
class Kept:
    """A committed effect, or a call that was cut off: its record, what it says, and its place.

    The place of a call that was cut off is that of the record which follows it.
    """

    event: Effect
    core: EffectCore
    place: int
    turn: asyncio.Future[None] | None = None


class History:
    """What was committed of one episode, released in the order of the record.

    An effect is given out when all records before it were met, so that code that depends on which
    of two answers came first meets them as it did. A failure that was tried again is forgotten with
    the step that failed.

    Effects may be asked for in several threads, each with a loop of its own.

    Args:
        events: The episode's records in order; spans and notes are passed over.
        content: Puts long contents back in their place; None leaves their references.
    """

    def __init__(self, events: Iterable[Event] = (), content: FindContent | None = None) -> None:
        self.content = content
        self.n_steps = 0
        """Steps that were committed."""
        self._decode = msgspec.msgpack.Decoder(EffectCore, ext_hook=content).decode
        self._order: list[Kept | Milestone] = []
        self._effects: dict[EffectKey, Kept] = {}
        self._cancelled: dict[EffectKey, Kept] = {}
        self._next = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._advanced: asyncio.Future[None] | None = None
        for event in events:
            self._add(event)

    @property
    def exhausted(self) -> bool:
        """Whether every record was met: what comes now is new."""
        return self._next >= len(self._order)

    @property
    def end(self) -> Ended | None:
        """The record that closes the episode, where it came to its end."""
        last = self._order[-1] if self._order else None
        return last if isinstance(last, Ended) else None

    @property
    def effects(self) -> list[Kept]:
        """The effects that count, in the order of the record."""
        return [record for record in self._order if isinstance(record, Kept)]

    def without_end(self) -> "History":
        """This history with the step forgotten in which the episode failed, if it did.

        It shares no state with this one, as long as neither was met yet.
        """
        again = History(content=self.content)
        again.n_steps = self.n_steps
        again._order = list(self._order)
        again._effects = dict(self._effects)
        again._cancelled = dict(self._cancelled)
        again._forget_failure()
        return again

    def find(self, key: EffectKey) -> Kept | None:
        """The committed effect with this key, if there is one."""
        return self._effects.get(key)

    def by_step(self, actor: str) -> dict[int, list[Kept]]:
        """The committed effects of an actor in the order of the record, by step."""
        found: dict[int, list[Kept]] = {}
        for kept in self.effects:
            if kept.core.actor == actor:
                found.setdefault(kept.core.step, []).append(kept)
        return found

    def was_cancelled(self, key: EffectKey) -> bool:
        """Whether the call with this key was cut off before anything came of it."""
        return key in self._cancelled

    async def release(self, kept: Kept) -> None:
        """Wait for the turn of an effect and take it.

        Raises:
            ReplayDivergence: No record was met for `PATIENCE_S`, and those before it are missing.
        """
        if kept.place > self._next:
            kept.turn = asyncio.get_running_loop().create_future()
            while kept.place > (before := self._next):  # another thread may just have met the last
                await asyncio.wait((kept.turn,), timeout=PATIENCE_S)
                if self._next == before:
                    raise ReplayDivergence(
                        f"{_effect_words(kept.core)} waits for {self._awaited()}, which the replay "
                        "never asked for; the code or its versions have changed since the record"
                    )
        self._advance(kept.place + 1)

    async def wait_for_milestone(self, step: int | None = None) -> None:
        """Wait until the effects were met that stand before the next milestone.

        Where calls go on over steps, some of them come back while a step is made. If nothing is met
        for `PATIENCE_S`, the replay has parted, as `meet` then says.

        Args:
            step: Only for effects of earlier steps; None for all.
        """
        while not self.exhausted and isinstance(kept := self._order[self._next], Kept):
            if step is not None and kept.core.step >= step:
                return
            before = self._next
            self._advanced = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._advanced,), timeout=PATIENCE_S)
            if self._next == before:
                return

    def meet(self) -> Milestone | None:
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
        self._advance(self._next + 1)
        return record

    def pass_over_cut_step(self) -> bool:
        """Pass over what is left of a step that was never committed, if nothing else is left.

        Returns:
            Whether the record stands there: every step that was committed was met.
        """
        left = self._order[self._next :]
        if not all(isinstance(record, Kept | Failed) for record in left):
            return False
        self._advance(self._next + sum(isinstance(record, Kept) for record in left))
        return True

    async def wait_exhausted(self) -> None:
        """Wait until every record was met."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        if not self.exhausted:
            await waiting

    def rival(self, key: EffectKey) -> Kept | None:
        """A committed effect of the same actor and step, to show beside one that is not there.

        The next one that was not met, or else the last.
        """
        found = [kept for kept in self._effects.values() if key_of(kept.core)[:2] == key[:2]]
        unmet = [kept for kept in found if kept.place >= self._next]
        return next(iter(unmet or found[::-1]), None)

    def calls_until(self, last: Kept) -> list[Kept]:
        """All calls of an actor up to one of its effects, in order; also those that were cut off.

        A request is written as what is new since the one before, whatever came of that.
        """
        calls = [*self._cancelled.values(), *self._effects.values()]
        calls.sort(key=lambda kept: kept.place)  # stable: what was cut off comes first
        return [
            kept
            for kept in calls
            if kept.core.actor == last.core.actor and kept.place <= last.place
        ]

    def effects_before(self, milestone: Milestone) -> list[Kept]:
        """Committed effects between a milestone and the one before it."""
        place = next(n for n, record in enumerate(self._order) if record is milestone)
        found: list[Kept] = []
        while place and isinstance(kept := self._order[place - 1], Kept):
            found.append(kept)
            place -= 1
        return found[::-1]

    def _add(self, event: Event) -> None:
        if not isinstance(event, Effect | Milestone):
            return
        self._forget_failure()
        if isinstance(event, Milestone):
            self._order.append(event)
            self.n_steps += isinstance(event, Stepped)
            return
        core = self._decode(event.core)
        if isinstance(event, Cancelled):
            self._cancelled[key_of(core)] = Kept(event, core, len(self._order))
        elif key_of(core) not in self._effects:
            kept = self._effects[key_of(core)] = Kept(event, core, len(self._order))
            self._order.append(kept)

    def _forget_failure(self) -> None:
        """Forget a failure at the end, and the calls of the step that failed."""
        if not self._order or not isinstance(self._order[-1], Failed):
            return
        self._order.pop()
        while self._order and isinstance(kept := self._order[-1], Kept):
            del self._effects[key_of(kept.core)]
            self._order.pop()
        self._cancelled = {k: cut for k, cut in self._cancelled.items() if k[1] < self.n_steps}

    def _advance(self, place: int) -> None:
        self._next = place
        if self._advanced is not None:
            _wake(self._advanced)
            self._advanced = None
        if self.exhausted:
            while self._waiting:
                _wake(self._waiting.pop(0))
            return
        record = self._order[place]
        if isinstance(record, Kept) and record.turn is not None:
            _wake(record.turn)

    def _awaited(self) -> str:
        record = self._order[self._next]
        return _effect_words(record.core) if isinstance(record, Kept) else "the end of a step"


def _wake(waiting: asyncio.Future[None]) -> None:
    """Let somebody go on who waits, perhaps in the loop of another thread."""
    loop = waiting.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(_set_done, waiting)


def _set_done(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _effect_words(core: EffectCore) -> str:
    return f"a call of kind {core.kind!r} by {core.actor!r} in step {core.step}"
