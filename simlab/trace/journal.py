"""The journal of one episode: what was committed is met again, what is new is written.

Replay, resume and branch are this one mechanism. Code runs as it always does; an effect whose key
was committed gets its recorded result, a step that was committed is compared with its record, and
when the record is exhausted the same code goes on live.
"""

import hashlib
import inspect
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Raw

from simlab.errors import ReplayDivergence
from simlab.seeding import derive
from simlab.trace.divergence import explain_call, explain_record
from simlab.trace.events import (
    Effect,
    EffectCore,
    Ended,
    Event,
    Failed,
    Fault,
    Outcome,
    Started,
    StartedCore,
    Stepped,
    SteppedCore,
    encode,
)
from simlab.trace.faults import RecordedError, error_of, fault_of
from simlab.trace.history import EffectKey, History, Kept
from simlab.trace.plain import Plain, plain
from simlab.trace.requests import RequestWriter
from simlab.trace.writer import SegmentWriter, content_hash, reference_to

T = TypeVar("T")


class Caller(Protocol):
    """Where a call is made: a span."""

    @property
    def actor(self) -> str:
        """Who calls."""
        ...

    @property
    def step(self) -> int:
        """In which step."""
        ...

    @property
    def id(self) -> int:
        """Of the span."""
        ...

    def nth_call(self, digest: bytes) -> int:
        """How many calls with this digest were made in the span before; counts this one."""
        ...


class RecordEnds(Exception):  # noqa: N818 - not an error: a replay has met its last record
    """A replay that must not go on live has met all that was committed."""


class Journal:
    """One episode's records, met and written.

    Args:
        episode: The episode's number.
        seed: The episode's.
        sampling_seed: The root from which the seeds of new calls derive; None for `seed`.
        writer: Where new records go; None for a pure replay.
        history: What was committed before.
    """

    def __init__(
        self,
        episode: int,
        *,
        seed: int,
        writer: SegmentWriter | None,
        history: History | None = None,
        sampling_seed: int | None = None,
    ) -> None:
        self.episode = episode
        self.seed = seed
        self._sampling_seed = seed if sampling_seed is None else sampling_seed
        self._tokens: Counter[str] = Counter()
        self.usage: Counter[str] = Counter()
        """Tokens and calls of this episode's models, recorded ones included."""
        self._writer = writer
        self._history = history or History()
        self._intern = reference_to if writer is None else writer.intern
        self._requests = RequestWriter(self._intern)
        self._chain = b""
        self._effects: list[tuple[EffectKey, bytes]] = []

    @property
    def live(self) -> bool:
        """Whether what happens now is new and gets written."""
        return self._writer is not None and self._history.exhausted

    @property
    def n_recorded(self) -> int:
        """Steps that were committed before this journal was opened."""
        return self._history.n_steps

    def tokens_of(self, actor: str) -> int:
        """How many tokens an actor's models have drawn, recorded ones included."""
        return self._tokens[actor]

    def append(self, event: Event) -> None:
        """Write an event that no replay depends on, unless it stands in the record already."""
        if self.live:
            self._write(event)

    def plain(self, value: Any) -> Plain:
        """A value as the log keeps it, long texts by reference."""
        return plain(value, self._intern)

    async def begin(self, timestep: Plain) -> None:
        """Commit the reset."""
        core = encode(StartedCore(self.seed, timestep))
        digest = self._advance(core)
        await self._commit(Started(Raw(core), digest, time.time()))

    async def step(self, core: SteppedCore) -> None:
        """Commit a step before anyone sees what follows from it."""
        encoded = encode(core)
        digest = self._advance(encoded)
        await self._commit(Stepped(Raw(encoded), digest, time.time()))

    async def end(self, outcome: Outcome) -> bytes:
        """Commit the end of the episode; the digest of all of it."""
        core = encode(outcome)
        digest = self._advance(core)
        kind = Ended if outcome.failed is None else Failed
        await self._commit(kind(Raw(core), digest, time.time(), dict(self.usage)))
        return digest

    async def effect(
        self,
        caller: Caller,
        kind: str,
        request: Any,
        call: Callable[[int], Awaitable[T] | T],
        returns: Any,
    ) -> T:
        """The result of a call: the recorded one, else a new one which is then recorded.

        Args:
            caller: The span in which the call is made.
            kind: Of the effect.
            request: What is asked; its digest is part of the key.
            call: Makes the call; given the seed that derives from the key.
            returns: The type that a recorded result is turned into.

        Raises:
            ReplayDivergence: The record has another call in its place.
        """
        digest = self._requests.digest(kind, request)
        key = (caller.actor, caller.step, caller.id, digest, caller.nth_call(digest))
        kept = self._history.find(key)
        if kept is not None:
            return await self._again(key, kept, request, returns)  # type: ignore[no-any-return]
        if not self._history.exhausted and caller.step < self._history.n_steps:
            raise ReplayDivergence(explain_call(self.episode, key, kind, request, self._history))
        if self._writer is None:
            raise RecordEnds
        return await self._first(key, kind, request, call, returns)

    async def _again(self, key: EffectKey, kept: Kept, request: Any, returns: Any) -> Any:
        await self._history.release(kept)
        self._requests.write(key[0], kept.core.kind, request)
        result = plain(kept.core.result, self._intern)
        core = encode(EffectCore(*key[:3], kept.core.kind, *key[3:], result, kept.core.error))
        self._effects.append((key, content_hash(core)))
        if kept.core.error is not None:
            raise error_of(kept.core.error)
        return self._given(key[0], kept.core.kind, kept.core.result, returns)

    async def _first(
        self,
        key: EffectKey,
        kind: str,
        request: Any,
        call: Callable[[int], Awaitable[T] | T],
        returns: Any,
    ) -> T:
        start = time.perf_counter()
        seed = derive(self._sampling_seed, *key[:3], key[3].hex(), key[4])
        try:
            made = call(seed)
            result: T = await made if inspect.isawaitable(made) else made
        except Exception as error:
            fault = fault_of(error, frames=False)
            self._record(key, kind, request, (None, fault), start)
            known = error_of(fault)
            raise (known if isinstance(known, RecordedError) else error) from error
        written = plain(result, self._intern)
        self._record(key, kind, request, (written, None), start)
        if kind == "model":
            self._count(key[0], result)
            return result
        return self._given(key[0], kind, written, returns)  # type: ignore[no-any-return]

    def _record(
        self,
        key: EffectKey,
        kind: str,
        request: Any,
        outcome: tuple[Plain, Fault | None],
        start: float,
    ) -> None:
        core = encode(EffectCore(*key[:3], kind, *key[3:], *outcome))
        written = self._requests.write(key[0], kind, request)
        self._effects.append((key, content_hash(core)))
        duration = round(time.perf_counter() - start, 6)
        self._write(Effect(Raw(core), written, time.time(), duration))

    def _given(self, actor: str, kind: str, written: Plain, returns: Any) -> Any:
        result = written if returns is Any else msgspec.convert(written, returns)
        if kind == "model":
            self._count(actor, result)
        return result

    def _count(self, actor: str, completion: Any) -> None:
        usage = getattr(completion, "usage", None)
        self.usage["calls"] += 1
        if usage is not None:
            self.usage["prompt_tokens"] += usage.prompt_tokens
            self.usage["completion_tokens"] += usage.completion_tokens
            self.usage["cached_tokens"] += usage.cached_tokens
            self._tokens[actor] += usage.completion_tokens

    def _advance(self, core: bytes) -> bytes:
        """The next digest of the chain: the one before, the effects since by key, and the core."""
        digest = hashlib.blake2b(self._chain, digest_size=16)
        for _, effect in sorted(self._effects):
            digest.update(effect)
        digest.update(core)
        self._effects.clear()
        self._chain = digest.digest()
        return self._chain

    async def _commit(self, event: Started | Stepped | Ended) -> None:
        recorded = self._history.meet()
        if recorded is not None:
            self._compare(recorded, event)
        elif self._writer is None:
            raise RecordEnds
        else:
            self._write(event)
            await self._writer.commit()

    def _compare(
        self, recorded: Started | Stepped | Ended, replayed: Started | Stepped | Ended
    ) -> None:
        if (
            type(recorded) is not type(replayed)
            or recorded.digest != replayed.digest
            or (bytes(recorded.core) != bytes(replayed.core))
        ):
            raise ReplayDivergence(explain_record(self.episode, recorded, replayed))

    def _write(self, event: Event) -> None:
        assert self._writer is not None
        self._writer.append(event.KIND, self.episode, encode(event))
