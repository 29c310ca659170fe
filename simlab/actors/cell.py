"""A cell: an actor in its host, and the rule that it handles one message at a time."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from simlab.actors.actor import Actor
from simlab.actors.deferred import DeferredAnswers
from simlab.actors.envelope import Envelope, carried, handled
from simlab.actors.mailbox import Mailbox
from simlab.actors.ref import ActorRef
from simlab.errors import ActorStoppedError

if TYPE_CHECKING:
    from simlab.actors.host import Host


class Cell(ABC):
    """Runs an actor: wakes with the first message, handles what has come, rests again.

    At rest it has no mailbox, task or callback; a million of them are memory and nothing else.

    Attributes:
        host: Where it lives.
        ref: The actor's address.
        actor: What is run.
        capacity: How many messages its mailbox holds, at least 1.
        current: The envelope whose message is being handled.
    """

    __slots__ = (
        "_deferred", "_ending", "_mailbox", "_starting",
        "actor", "capacity", "current", "host", "ref",
    )  # fmt: skip

    def __init__(self, host: "Host", ref: ActorRef, *, actor: Actor, capacity: int) -> None:
        self.host = host
        self.ref = ref
        self.actor = actor
        self.capacity = capacity
        self.current: Envelope | None = None
        self._mailbox: Mailbox | None = None
        self._deferred: DeferredAnswers | None = None
        self._starting: asyncio.Task[None] | None = None
        self._ending: asyncio.Future[None] | None = None

    @property
    def has_end(self) -> bool:
        """Whether there is anything to see through or to call when the actor stops."""
        busy = self._mailbox is not None or bool(self._deferred)
        return busy or type(self.actor).stopped is not Actor.stopped

    def offer(self, envelope: Envelope) -> bool:
        """Take a message if there is room in the mailbox, and say whether there was."""
        if self._mailbox is not None:
            return self._mailbox.offer(envelope)
        self._mailbox = Mailbox(self.capacity)
        self._mailbox.offer(envelope)
        self._wake()
        return True

    def line_up(self, envelope: Envelope, room: asyncio.Future[None] | None) -> None:
        """Put a message in line for room, after `offer` has refused it; see `Mailbox.line_up`."""
        assert self._mailbox is not None
        self._mailbox.line_up(envelope, room)

    def abandon(self, envelope: Envelope) -> None:
        """Skip a message for whose answer nobody waits any more, or cancel its handling."""
        assert envelope.reply is not None
        envelope.reply.cancel()
        if self.current is envelope:
            self._interrupt()

    def start(self, chain: tuple[ActorRef, ...]) -> asyncio.Task[None] | None:
        """Run the `started` hook; messages that come meanwhile are handled after it.

        Args:
            chain: The actors that wait for this one to start.

        Returns:
            The task in which the hook runs, if it is async; what the hook raises is raised there.
        """
        envelope = Envelope(None, self, chain=chain)
        context = self.host.new_context()
        try:
            waiting = context.run(_call, self.actor.started, envelope)
        except BaseException:
            self.host.forget(self)
            raise
        if waiting is None:
            envelope.over = True
            return None
        self._mailbox = Mailbox(self.capacity)
        self._starting = self.host.run(self, self._start(waiting, envelope), context)
        self._starting.add_done_callback(lambda _: self._give_up_start(waiting, envelope))
        return self._starting

    async def end(self) -> None:
        """Refuse what waits, see through what was begun, and run the `stopped` hook.

        Cancelling this cancels what was begun; the hook runs nevertheless.
        """
        self.refuse()
        try:
            await self._wait_for_rest()
        except asyncio.CancelledError:
            self.kill()
            await self._wait_for_rest()
            raise
        finally:
            if self._starting is None:
                await self._run_stopped()

    def kill(self) -> None:
        """Refuse what waits, and cancel the current handling, promised answers, and the start."""
        self.refuse()
        if self.current is not None:
            self.current.fail(stopped_error(self.ref))
            self._interrupt()
        elif self._starting is not None:
            self._starting.cancel()
        if self._deferred is not None:
            self._deferred.refuse(stopped_error(self.ref))

    def refuse(self) -> None:
        """Let every ask that waits fail, since the actor stops; tells become dead letters."""
        for envelope in self._mailbox.clear() if self._mailbox is not None else ():
            if envelope.outbox is not None:
                envelope.outbox.credit(self.ref.name, self.capacity)
            if envelope.reply is None:
                self.host.n_dead_letters += 1
            envelope.fail(stopped_error(self.ref))

    @abstractmethod
    def _wake(self) -> None:
        """Begin to handle what is in the mailbox, soon and in a context of its own."""

    @abstractmethod
    def _interrupt(self) -> None:
        """Cancel the handling of the current message, where it can be cancelled."""

    def _take(self, mailbox: Mailbox) -> Envelope:
        """The next message, which now is the current one."""
        envelope = self.current = mailbox.take()
        self.host.n_handled += 1
        if envelope.outbox is not None:
            envelope.outbox.credit(self.ref.name, self.capacity)
        handled.set(envelope)
        carried.set(envelope.carried)
        return envelope

    def _rest(self) -> None:
        self._mailbox = None
        self.current = None
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(None)

    async def _wait_for_rest(self) -> None:
        if self._mailbox is not None:
            self._ending = self.host.loop.create_future()
            await self._ending
        if self._deferred is not None:
            await self._deferred.wait_until_delivered()

    async def _start(self, waiting: Awaitable[None], envelope: Envelope) -> None:
        try:
            await waiting
        except BaseException:
            self.host.forget(self)
            self.refuse()
            raise
        else:
            self._starting = None
        finally:
            envelope.over = True
            if self._mailbox:
                self._wake()
            else:
                self._rest()

    def _give_up_start(self, waiting: Awaitable[None], envelope: Envelope) -> None:
        """Clean up after a start that was cancelled before it began; any other has done so."""
        if envelope.over:
            return
        envelope.over = True
        if isinstance(waiting, CoroutineType):
            waiting.close()
        self.host.forget(self)
        self.refuse()
        self._rest()

    async def _run_stopped(self) -> None:
        waiting = _call(self.actor.stopped, Envelope(None, self))
        if waiting is not None:
            await waiting

    def _answer(self, envelope: Envelope, answer: Any) -> None:
        envelope.over = True
        if isinstance(answer, asyncio.Future):
            if self._deferred is None:
                self._deferred = DeferredAnswers(self.ref, self.host.report)
            self._deferred.add(envelope, answer)
        elif isinstance(answer, CoroutineType):
            answer.close()
            name = type(self.actor).__name__
            self._fail(
                envelope,
                TypeError(
                    f"{name}.receive() is plain and returned a coroutine; "
                    f"define it with 'async def'"
                ),
            )
        else:
            envelope.answer(answer)

    def _fail(self, envelope: Envelope, error: Exception) -> None:
        envelope.over = True
        if not envelope.fail(error):
            self.host.report(self.ref, error)


def _call(hook: Callable[[], Awaitable[None] | None], envelope: Envelope) -> Awaitable[None] | None:
    """Call a hook in the current context, which `envelope` marks as its actor's."""
    handled.set(envelope)
    return hook()


def stopped_error(ref: ActorRef) -> ActorStoppedError:
    """The error of asking an actor that is not there."""
    return ActorStoppedError(
        f"actor {ref.name!r} of host {ref.host!r} has stopped or never was; spawn it, then ask it"
    )
