"""The two kinds of cells: for actors whose `receive` is plain, and for those where it is async."""

import asyncio
import inspect
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING

from simlab.actors.actor import Actor
from simlab.actors.cell import Cell, stopped_error
from simlab.actors.deferred import as_error
from simlab.actors.envelope import Envelope
from simlab.actors.mailbox import Mailbox
from simlab.actors.ref import ActorRef
from simlab.errors import ActorError

if TYPE_CHECKING:
    from simlab.actors.host import Host

SLICE_S = 0.01
"""How long an actor handles messages before all else gets a turn of the event loop."""


class SyncCell(Cell):
    """Runs an actor whose `receive` is plain: in callbacks, each of at most about `SLICE_S`."""

    __slots__ = ()

    def _wake(self) -> None:
        self.host.loop.call_soon(self._drain, context=self.host.new_context())

    def _interrupt(self) -> None:
        """Nothing to do: what is current runs to its end before anybody else does anything."""

    def _drain(self) -> None:
        mailbox = self._mailbox
        assert mailbox is not None
        try:
            self._handle_some(mailbox)
        except BaseException:  # such as SystemExit, which ends the event loop
            self.refuse()
            self._rest()
            raise

    def _handle_some(self, mailbox: Mailbox) -> None:
        receive = self.actor.receive
        slice_end = monotonic() + SLICE_S
        while mailbox:
            envelope = self._take(mailbox)
            if envelope.abandoned:
                continue
            try:
                answer = receive(envelope.message)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                self._fail(envelope, as_error(self.ref, error))
            else:
                self._answer(envelope, answer)
            if monotonic() > slice_end:
                self._wake()
                return
        self._rest()


class AsyncCell(Cell):
    """Runs an actor whose `receive` is async: in a task that ends when the mailbox is empty."""

    __slots__ = ("_interrupted", "_task")

    def __init__(self, host: "Host", ref: ActorRef, *, actor: Actor, capacity: int) -> None:
        super().__init__(host, ref, actor=actor, capacity=capacity)
        self._task: asyncio.Task[None] | None = None
        self._interrupted = False

    def _wake(self) -> None:
        self._task = self.host.loop.create_task(self._run(), context=self.host.new_context())

    def _interrupt(self) -> None:
        if self._task is not None and not self._interrupted:
            self._interrupted = True
            self._task.cancel()

    async def _run(self) -> None:
        mailbox = self._mailbox
        assert mailbox is not None
        try:
            await self._handle_all(mailbox)
        finally:
            self._end_task()

    def _end_task(self) -> None:
        self.refuse()  # there is something left only if the event loop ends
        self._task = None
        self._rest()

    async def _wait_for_rest(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task])
        if self._task is not None:  # it was cancelled before it began, as the event loop ended
            self._end_task()
        await super()._wait_for_rest()

    async def _handle_all(self, mailbox: Mailbox) -> None:
        slice_end = monotonic() + SLICE_S
        while mailbox:
            envelope = self._take(mailbox)
            if envelope.abandoned:
                continue
            await self._handle(envelope)
            self.current = None
            if self._interrupted:
                self._forget_interruption()
            if monotonic() > slice_end:
                await asyncio.sleep(0)
                slice_end = monotonic() + SLICE_S

    async def _handle(self, envelope: Envelope) -> None:
        try:
            answer = await self.actor.receive(envelope.message)
        except asyncio.CancelledError:
            if not self._is_ours(envelope):
                raise
        except (KeyboardInterrupt, SystemExit):
            assert self._task is not None
            self._task.add_done_callback(asyncio.Task.exception)  # the event loop tells it, no log
            raise
        except BaseException as error:
            self._fail(envelope, as_error(self.ref, error))
        else:
            self._answer(envelope, answer)

    def _is_ours(self, envelope: Envelope) -> bool:
        """Whether a cancellation comes from the asker or `receive`, not from the event loop."""
        envelope.over = True
        if self._interrupted:
            return True
        assert self._task is not None
        if self._task.cancelling():
            envelope.fail(stopped_error(self.ref))
            return False
        self._fail(envelope, ActorError(f"receive() of {self.ref.name!r} has cancelled itself"))
        return True

    def _forget_interruption(self) -> None:
        """Go on after a cancellation, which has been raised in `receive` and ended there."""
        assert self._task is not None
        self._task.uncancel()
        self._interrupted = False


def cell_class(actor_class: type[Actor]) -> type[Cell]:
    """How actors of a class are run: by whether their `receive` is plain or async."""
    return AsyncCell if _is_async(actor_class) else SyncCell


@lru_cache(maxsize=1024)
def _is_async(actor_class: type[Actor]) -> bool:
    return inspect.iscoroutinefunction(actor_class.receive)
