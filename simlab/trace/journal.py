"""The journal of one episode: what was committed is met again, what is new is written.

Replay, resume and branch are this one mechanism. Code runs as it always does; an effect whose key
was committed gets its recorded result, a step that was committed is compared with its record, and
when the record is exhausted the same code goes on live.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from simlab.errors import (
    EpisodeError,
    HostKilledError,
    LateCallError,
    ReplayDivergence,
    SimlabError,
)
from simlab.seeding import derive
from simlab.stray import is_stop
from simlab.trace.accounts import Account, Ledger
from simlab.trace.call import Call, Caller, model_of
from simlab.trace.chain import Chain
from simlab.trace.contents import reference_to
from simlab.trace.divergence import explain_call, explain_record, explain_result
from simlab.trace.events import (
    Cancelled,
    Effect,
    EffectCore,
    Ended,
    Event,
    Failed,
    Outcome,
    Started,
    StartedCore,
    Stepped,
    SteppedCore,
    encode,
)
from simlab.trace.faults import error_of, fault_of
from simlab.trace.history import History, Kept, Milestone
from simlab.trace.pieces import PiecesWriter
from simlab.trace.plain import Intern, Plain, plain
from simlab.trace.requests import RequestWriter
from simlab.trace.result import Result, converted, result_of
from simlab.trace.seen import SeenContents
from simlab.trace.turn_numbers import TurnNumbers
from simlab.trace.under_way import CallsUnderWay
from simlab.trace.writer import SegmentWriter

T = TypeVar("T")


class RecordEnds(Exception):  # noqa: N818 - not an error: a replay has met its last record
    """There is no more to meet, and nothing new may be written: a replay, or after the end."""


class Journal:
    """One episode's records, met and written.

    Args:
        episode: The episode's number.
        seed: The episode's.
        sampling_seed: The root from which the seeds of new calls derive; None for `seed`.
        writer: Where new records go; None for a pure replay.
        history: What was committed before.
        given_up: Why the episode is to go no further than its last commit; a record that ends with
            a failure which comes at no certain place says so itself.
    """

    def __init__(
        self,
        episode: int,
        *,
        seed: int,
        writer: SegmentWriter | None,
        history: History | None = None,
        sampling_seed: int | None = None,
        given_up: EpisodeError | None = None,
    ) -> None:
        self.episode = episode
        self.seed = seed
        self.overlapping = False
        """Whether calls may go on over steps, as on a real clock: then a call that the record does
        not have was under way when it ended or was cut off, and is no divergence."""
        self._sampling_seed = seed if sampling_seed is None else sampling_seed
        self._ledger = Ledger()
        self._writer = writer
        self._history = history or History()
        end = self._history.end
        recorded = None if end is None else msgspec.msgpack.decode(end.core, type=Outcome)
        self._given_up = given_up or _given_up_in(recorded)
        intern = reference_to if writer is None else partial(writer.intern, lists=PiecesWriter())
        self._seen = SeenContents(intern, self._history)
        self._intern: Intern = intern if history is None else self._seen
        self._requests = RequestWriter(self._intern)
        self._chain = Chain()
        self.turns = TurnNumbers()
        """Of actors, step by step."""
        self.calls = CallsUnderWay(self._cut)
        """Those that have not come back yet."""
        self._uncommitted = False
        self._closed = False
        self._refused: LateCallError | None = None
        self._broken: SimlabError | None = None

    def writes(self, step: int) -> bool:
        """Whether spans and notes of a step are written: those of committed steps stand already."""
        return self._writer is not None and step >= self._history.n_steps and not self._closed

    @property
    def is_live(self) -> bool:
        """Whether every record was met, and what comes now is written."""
        return self._writer is not None and self._history.exhausted and not self._closed

    def recorded(self, actor: str) -> Mapping[int, Sequence[Kept]]:
        """The effects that the record has of an actor, in its order, by step."""
        return self._history.by_step(actor)

    async def wait_for_calls(self, step: int) -> None:
        """In a replay, wait until the calls of earlier steps have come back that came back here."""
        await self._history.wait_for_milestone(step)

    async def wait_live(self) -> None:
        """Wait until every record was met."""
        await self._history.wait_exhausted()

    @property
    def accounts(self) -> list[Account]:
        """What this episode's model calls came to, recorded ones included, by actor and model."""
        return self._ledger.accounts

    def tokens_of(self, actor: str) -> int:
        """How many tokens an actor's models have drawn, recorded ones included."""
        return self._ledger.tokens_of(actor)

    def refuse(self, message: str) -> LateCallError:
        """Let the episode fail at the end of the step, and say so by an error."""
        self._refused = self._refused or LateCallError(message)
        return LateCallError(message)

    def append(self, event: Event) -> None:
        """Write an event that no replay depends on; see `writes`."""
        self._write(event)

    def plain(self, value: Any) -> Plain:
        """A value as the log keeps it, long contents by reference."""
        return plain(value, self._intern)

    def stop_if_given_up(self) -> None:
        """Go no further than the last commit of an episode that is given up, now or in a replay.

        Raises:
            HostKilledError: It kills its host, and all its steps were met.
            LateCallError: It was given up for that when it was recorded, and all its steps were
                met.
        """
        if self._given_up is not None and self._history.pass_over_cut_step():
            raise self._given_up

    async def begin(self, timestep: Plain) -> None:
        """Commit the reset."""
        self.begin_nowait(timestep)
        await self._commit()

    def begin_nowait(self, timestep: Plain) -> None:
        """Write the reset; it is durable with the next commit."""
        core = encode(StartedCore(self.seed, timestep))
        self._put(Started(Raw(core), self._chain.advance(core), time.time()))

    async def step(self, core: SteppedCore) -> None:
        """Commit a step before anyone sees what follows from it.

        Raises:
            LateCallError: A call was refused in it, in a task whose errors nobody may look at; a
                step that is recorded was committed before that.
        """
        if self._refused is not None and self._history.exhausted:
            raise self._refused
        if self.overlapping:
            await self._history.wait_for_milestone()
        encoded = encode(core)
        self._put(Stepped(Raw(encoded), self._chain.advance(encoded), time.time()))
        await self._commit()

    async def end(self, outcome: Outcome) -> bytes:
        """Commit the end of the episode, after which nothing is written; the digest of it all."""
        if self.overlapping:
            await self._history.wait_for_milestone()
        digest = self.end_nowait(outcome)
        await self._commit()
        return digest

    def end_nowait(self, outcome: Outcome) -> bytes:
        """Write the end of the episode; it is durable with the next commit."""
        if _given_up_in(outcome) is not None:
            self._chain.forget_effects()  # a replay makes none of the calls since the last commit
        core = encode(outcome)
        digest = self._chain.advance(core)
        kind = Ended if outcome.failed is None else Failed
        self._put(kind(Raw(core), digest, time.time(), self.accounts))
        self._closed = True
        return digest

    async def effect(
        self,
        caller: Caller,
        kind: str,
        request: Any,
        call: Callable[[int], Awaitable[T]],
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
        prepared = self._requests.prepare(caller.actor, kind, request)
        nth = caller.nth_call(prepared.digest)
        key = (caller.actor, caller.step, caller.id, prepared.digest, nth)
        model = model_of(kind, request)
        made = Call(key, kind, caller.part, prepared, asyncio.current_task(), model)
        if self.calls.breaks_off(made):
            await self._break_off(made)
        if not self._history.exhausted:
            kept = self._history.find(key)
            if kept is not None:
                return await self._again(made, kept, returns)  # type: ignore[no-any-return]
            await self._miss(made, request)
        if self._writer is None or self._closed:
            raise RecordEnds
        return await self._first(made, call, returns)

    async def _again(self, made: Call, kept: Kept, returns: Any) -> Any:
        """The recorded result of a call."""
        await self._history.release(kept)
        error = kept.core.error
        core = made.core(plain(kept.core.result, self._intern), error)
        if core != bytes(kept.event.core):
            committed = msgspec.msgpack.decode(kept.event.core, type=EffectCore).result
            raise ReplayDivergence(explain_result(self.episode, kept, committed))
        self._chain.add(made.key, core)
        if error is None or kept.event.cost:
            self._ledger.charge(made.key[0], made.model, kept.event.cost, kept.event.duration_s)
        if error is not None:
            raise error_of(error)
        return converted(kept.core.result, returns)

    async def _miss(self, made: Call, request: Any) -> None:
        """A call that is not in the record: it was cut off or never made, or it is new."""
        if self._history.was_cancelled(made.key):
            await self._wait_for_cut(made)
        if made.key[1] < self._history.n_steps:
            if not self.overlapping:
                words = explain_call(self.episode, made.key, made.kind, request, self._history)
                raise ReplayDivergence(words)
            await self._history.wait_exhausted()
            if self.calls.breaks_off(made):
                await self._break_off(made)

    async def _wait_for_cut(self, made: Call) -> None:
        """Wait until a call is cut off that was cut off when it was recorded.

        If all that was recorded is met first, it was the end of the process that cut it off, and it
        is made again.
        """
        made.cut = True  # in the record already
        self.calls.add(made)
        try:
            await self._history.wait_exhausted()
        finally:
            self.calls.discard(made)
        made.cut = False

    async def _break_off(self, made: Call) -> None:
        """Cut off a call at once: the act is broken off in which it is made."""
        if not self._history.was_cancelled(made.key):
            self._cut(made)
        made.cancel()
        await asyncio.get_running_loop().create_future()

    async def _first(self, made: Call, call: Callable[[int], Awaitable[T]], returns: Any) -> T:
        """Make a call and record what comes of it."""
        seed = derive(self._sampling_seed, made.key[2], made.key[3].hex(), made.key[4])
        self.calls.add(made)
        try:
            returned = await call(seed)
            if made.kind == "model":
                result = Result(plain(returned, self._intern), returned)
            else:
                result = result_of(returned, returns, self._intern)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if is_stop(error):
                self._cut(made)
                raise
            if isinstance(error, SimlabError) and not isinstance(error, EpisodeError):
                self._broken = error
                raise  # SimLab's own machinery failed, such as a host that died: no outcome
            fault = fault_of(error, frames=False)
            made.take_cost(error)
            duration_s = self._record(made, made.core(None, fault))
            if made.cost:
                self._ledger.charge(made.key[0], made.model, made.cost, duration_s)
            raise error_of(fault) from error
        finally:
            self.calls.discard(made)
        made.take_cost(returned)
        duration_s = self._record(made, made.core(result.kept, None))
        self._ledger.charge(made.key[0], made.model, made.cost, duration_s)
        return result.given  # type: ignore[no-any-return]

    def _cut(self, made: Call) -> None:
        """Record that a call was cut off; what comes of it from now on counts no more."""
        if not made.cut:
            made.cut = True
            if self._writer is not None:
                self._write_call(Cancelled, made, made.core(None, None))

    def _record(self, made: Call, core: bytes) -> float:
        """Record a result or an error; how long it took."""
        if made.cut:
            raise asyncio.CancelledError
        self._chain.add(made.key, core)
        return self._write_call(Effect, made, core)

    def _write_call(self, kind: type[Effect], made: Call, core: bytes) -> float:
        """Write an effect; what comes after the end of the episode counts no more."""
        duration_s = round(time.perf_counter() - made.start, 6)
        if not self._closed:
            written = self._requests.write(made.key[0], made.request)
            now_s = time.time()
            self._write(kind(Raw(core), written, now_s, duration_s, made.part, made.cost))
        return duration_s

    def _put(self, event: Milestone) -> None:
        """Meet a milestone in the record, or write it."""
        recorded = self._history.meet()
        if recorded is not None:
            self._compare(recorded, event)
        elif self._writer is None:
            raise RecordEnds
        elif self._broken is not None:
            raise self._broken  # an agent that took it for an outcome acts on what is not recorded
        else:
            self._write(event)
            self._uncommitted = True
        self._seen.contents.clear()

    async def _commit(self) -> None:
        if self._uncommitted:
            assert self._writer is not None
            await self._writer.commit()
            self._uncommitted = False

    def _compare(self, recorded: Milestone, replayed: Milestone) -> None:
        if (
            type(recorded) is not type(replayed)
            or recorded.digest != replayed.digest
            or bytes(recorded.core) != bytes(replayed.core)
        ):
            whole = self._seen.whole
            raise ReplayDivergence(
                explain_record(self.episode, recorded, replayed, self._history, whole)
            )

    def _write(self, event: Event) -> None:
        assert self._writer is not None
        self._writer.append(event.KIND, self.episode, encode(event))


def _given_up_in(outcome: Outcome | None) -> EpisodeError | None:
    """Why an episode was given up, if its outcome is such that a replay gives it up as well."""
    failed = None if outcome is None else outcome.failed
    error = None if failed is None else error_of(failed)
    return error if isinstance(error, HostKilledError | LateCallError) else None
