"""A host: many actors in one process, and their way to those of other hosts."""

import asyncio
import contextvars
import itertools
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from simlab.actors import local
from simlab.actors.actor import Actor
from simlab.actors.cell import Cell, stopped_error
from simlab.actors.cells import cell_class
from simlab.actors.envelope import Envelope, carried, chain_here, chain_to
from simlab.actors.link import Link
from simlab.actors.links import Links
from simlab.actors.parcel import Pickle, pickle_5
from simlab.actors.ref import ActorRef
from simlab.actors.statistics import HostStatistics, Waiting, Waits
from simlab.actors.transport import NoTransport, Transport
from simlab.errors import ActorError, StaleEpochError

MAILBOX = 4_096
"""How many messages wait for an actor before its senders do, where a spawn does not say."""

_YIELD_EVERY = 1_000
"""After so many messages a sender gives everything else a turn of the event loop."""

_logger = logging.getLogger(__name__)


class Host:
    """Actors that share a process and an event loop, in one incarnation.

    It belongs to the event loop in which it is made. A message between its own actors is handed
    over as it is; one to another host is pickled and travels by the transport.

    Example::

        host = Host("demo", "here")
        ref = host.spawn(Counter, name="visits")
        await ref.tell(Add(1))
        await host.close()

    Args:
        system: Id of the actor system.
        name: One of its kind in the system.
        epoch: Which incarnation this is; grows with each replacement.
        transport: The way to other hosts, if there are any.
        dumps: Makes bytes of what goes to other hosts.
        on_failure: Called with an actor and the error that it raised for a `tell`; logs by default.
        on_unreachable: Called with name and epoch of another host that a batch did not reach; that
            host must be lost then by `Links.lose`, which is the default.
        on_stale: Called once, after everything here was stopped, when another host says that this
            one was replaced; the error names both epochs.
    """

    def __init__(
        self,
        system: str,
        name: str,
        *,
        epoch: int = 0,
        transport: Transport | None = None,
        dumps: Pickle = pickle_5,
        on_failure: Callable[[ActorRef, Exception], None] | None = None,
        on_unreachable: Callable[[str, int], None] | None = None,
        on_stale: Callable[[StaleEpochError], None] | None = None,
    ) -> None:
        self.system = system
        self.name = name
        self.epoch = epoch
        self.dumps = dumps
        self.loop = asyncio.get_running_loop()
        self.links = Links(self, transport or NoTransport())
        self.waits = Waits(self.loop.time)
        self.n_handled = 0
        self.n_dead_letters = 0
        self._on_failure = on_failure or log_failure
        self.on_unreachable = on_unreachable or self.links.lose
        self._on_stale = on_stale
        self._context = contextvars.copy_context()
        self._cells: dict[str, Cell] = {}
        self._numbers = itertools.count()
        self._tasks: dict[asyncio.Task[None], Cell] = {}
        self._n_sent = 0
        self._closed = False
        local.register(self)

    def spawn(
        self,
        actor_class: type[Actor],
        *args: Any,
        name: str | None = None,
        mailbox: int = MAILBOX,
        **kwargs: Any,
    ) -> ActorRef:
        """Make an actor here; it takes messages once its `started` hook is done.

        Args:
            actor_class: What it is.
            args: For its `__init__`.
            name: Its name, not in use here; by default its class, the epoch and a number.
            mailbox: How many messages may wait for it, at least 1.
            kwargs: For its `__init__`.

        Raises:
            ValueError: The name is in use, or the mailbox holds nothing.
            ActorError: The host has closed.
            Exception: What `__init__` or a plain `started` raised; there is no actor then. What an
                async `started` raises goes to `on_failure`, and ends the actor.
        """
        ref, starting = self._spawn(actor_class, args, kwargs, name, mailbox)
        if starting is not None:
            starting.add_done_callback(partial(self._report, ref))
        return ref

    async def start(
        self,
        actor_class: type[Actor],
        *args: Any,
        name: str | None = None,
        mailbox: int = MAILBOX,
        **kwargs: Any,
    ) -> ActorRef:
        """Make an actor here and wait until its `started` hook is done; see `spawn`.

        Raises:
            Exception: What `__init__` or `started` raised; there is no actor then.
        """
        ref, starting = self._spawn(actor_class, args, kwargs, name, mailbox)
        if starting is not None:
            await _outcome(starting, ref)
        return ref

    async def stop(self, name: str) -> None:
        """Stop an actor: what waits for it is refused, and what it is at is seen through.

        Asks that wait fail with `ActorStoppedError`; told messages become dead letters. The current
        message and promised answers are seen through. Returns after its `stopped` hook, or at once
        if the actor waits for whoever stops it, or is that itself. Cancelling this cancels what the
        actor is at.

        Raises:
            ActorStoppedError: There is no such actor.
            Exception: What the `stopped` hook raised.
        """
        cell = self._cells.pop(name, None)
        if cell is None:
            raise stopped_error(self.ref(name))
        ending = self.run(cell, cell.end(), self.new_context())
        if cell.ref in chain_here():
            ending.add_done_callback(partial(self._report, cell.ref))
        else:
            await _outcome(ending, cell.ref)

    async def tell(self, ref: ActorRef, message: Any) -> None:
        """Send a message; see `ActorRef.tell`."""
        if ref.host != self.name:
            link = self.links.get(ref.host) or await self._wait_for_link(ref)
            await link.outgoing.tell(ref, message)
        elif (cell := self._cells.get(ref.name)) is None:
            self.n_dead_letters += 1
        else:
            envelope = Envelope(message, cell, None, (), carried.get())
            if not cell.offer(envelope):
                await self._line_up(envelope)
        self._n_sent += 1
        if not self._n_sent % _YIELD_EVERY:
            await asyncio.sleep(0)

    async def ask(self, ref: ActorRef, message: Any) -> Any:
        """Send a message and wait for the answer; see `ActorRef.ask`."""
        chain = chain_to(ref)
        wait = self.waits.begin(ref, "answer", chain)
        try:
            if ref.host == self.name:
                return await self._ask(ref, message, chain)
            link = self.links.get(ref.host) or await self._wait_for_link(ref)
            return await link.outgoing.ask(ref, message, chain=chain)
        finally:
            self.waits.end(wait)

    def statistics(self) -> HostStatistics:
        """What was done here so far, and who waits for whom."""
        return HostStatistics(
            name=self.name,
            epoch=self.epoch,
            n_actors=len(self._cells),
            n_handled=self.n_handled,
            n_dead_letters=self.n_dead_letters,
            waiting=self.waiting(),
        )

    def waiting(self) -> tuple[Waiting, ...]:
        """Who here waits for whom, the longest-waiting first."""
        return self.waits.report()

    def retire(self, error: StaleEpochError) -> None:
        """Abort, since this host was replaced, and say so."""
        if self._closed:
            return
        _logger.error("host %r of epoch %d stops: %s", self.name, self.epoch, error)
        self.abort()
        if self._on_stale is not None:
            self._on_stale(error)

    def abort(self) -> None:
        """Stop everything at once: nothing that waits to be sent goes out, and no hook runs."""
        self._kill_all()
        self._end()

    async def close(self) -> None:
        """Stop all actors, cancelling what they are at; returns after their `stopped` hooks.

        What was told to other hosts has been sent by then; an error of a hook goes to `on_failure`.
        To be called from outside the host's actors.
        """
        for cell in self._kill_all():
            if cell.has_end:
                ending = self.run(cell, cell.end(), self.new_context())
                ending.add_done_callback(partial(self._report, cell.ref))
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.links.wait_until_sent()
        self._end()

    def ref(self, name: str) -> ActorRef:
        """The address of an actor of this host, whether it lives or not."""
        return ActorRef(self.system, self.name, name)

    def report(self, ref: ActorRef, error: Exception) -> None:
        """Call `on_failure` with what an actor raised and nobody waits for."""
        try:
            self._on_failure(ref, error)
        except Exception:
            _logger.exception("on_failure() failed with %r of %r", error, ref.name)

    def cell(self, name: str) -> Cell | None:
        """The cell of an actor that lives here, or None; for links."""
        return self._cells.get(name)

    def forget(self, cell: Cell) -> None:
        """Let an actor that fails to start not be found any more; for cells."""
        if self._cells.get(cell.ref.name) is cell:
            del self._cells[cell.ref.name]

    def run(
        self, cell: Cell, hook: Coroutine[Any, Any, None], context: contextvars.Context
    ) -> asyncio.Task[None]:
        """Run what an actor does to start or to stop, which the host waits for when it closes."""
        task = self.loop.create_task(hook, context=context)
        self._tasks[task] = cell
        task.add_done_callback(self._tasks.__delitem__)
        return task

    def new_context(self) -> contextvars.Context:
        """A context for what an actor does: as it was when the host was made."""
        return self._context.copy()

    async def _ask(self, ref: ActorRef, message: Any, chain: tuple[ActorRef, ...]) -> Any:
        cell = self._cells.get(ref.name)
        if cell is None:
            raise stopped_error(ref)
        reply = self.loop.create_future()
        envelope = Envelope(message, cell, reply, chain, carried.get())
        try:
            if not cell.offer(envelope):
                await self._line_up(envelope)
            return await reply
        except asyncio.CancelledError:
            cell.abandon(envelope)
            raise

    async def _wait_for_link(self, ref: ActorRef) -> Link:
        """Wait until a host that has died is replaced."""
        while (link := self.links.get(ref.host)) is None:
            await self.waits.over(self.links.wait_for(ref.host), ref, chain_here())
        return link

    async def _line_up(self, envelope: Envelope) -> None:
        """Wait until a full mailbox has room."""
        ref = envelope.cell.ref
        chain = chain_to(ref)
        room = self.loop.create_future()
        envelope.cell.line_up(envelope, room)
        await self.waits.over(room, ref, chain)

    def _spawn(
        self,
        actor_class: type[Actor],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None,
        mailbox: int,
    ) -> tuple[ActorRef, asyncio.Task[None] | None]:
        """An actor's address, and the task in which it starts if that may take its time."""
        name = name or f"{actor_class.__name__}/{self.epoch}.{next(self._numbers)}"
        self._check_spawn(name, mailbox)
        actor = actor_class(*args, **kwargs)
        ref = actor.ref = self.ref(name)
        cell = cell_class(actor_class)(self, ref, actor=actor, capacity=mailbox)
        self._cells[name] = cell
        has_start = actor_class.started is not Actor.started
        return ref, cell.start(chain_here()) if has_start else None

    def _check_spawn(self, name: str, mailbox: int) -> None:
        if name in self._cells:
            raise ValueError(f"host {self.name!r} has an actor {name!r} already; take another name")
        if mailbox < 1:
            raise ValueError(f"mailbox must hold at least 1 message, got {mailbox!r}")
        if self._closed:
            raise ActorError(f"host {self.name!r} has closed and takes no actor {name!r}")

    def _kill_all(self) -> list[Cell]:
        """Cancel all that actors are at; gives the cells that are still to end."""
        self._closed = True
        cells = list(self._cells.values())
        self._cells.clear()
        for cell in itertools.chain(cells, self._tasks.values()):
            cell.kill()
        return cells

    def _end(self) -> None:
        self.links.close()
        local.unregister(self)

    def _report(self, ref: ActorRef, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.report(ref, error)


async def _outcome(task: asyncio.Task[None], ref: ActorRef) -> None:
    """Wait for a start or stop; one that the closing host has cancelled is an error like others."""
    try:
        await task
    except asyncio.CancelledError as error:
        waiting = asyncio.current_task()
        if waiting is not None and waiting.cancelling():
            raise
        raise stopped_error(ref) from error


def log_failure(ref: ActorRef, error: Exception) -> None:
    """Log what an actor raised and nobody waits for, with its traceback."""
    _logger.error("actor %r of host %r failed", ref.name, ref.host, exc_info=error)
