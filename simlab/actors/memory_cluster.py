"""Host processes that are none: a cluster in one process, whose hosts freeze and die on demand."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from simlab.actors.parcel import Pickle, pickle_5
from simlab.actors.process import HostPlan, News, Peer, Spawn
from simlab.actors.statistics import HostStatistics
from simlab.actors.worker import Worker
from simlab.errors import HostDiedError

T = TypeVar("T")


class MemoryProcess:
    """A host in this process that can be reached as if it were in another; see `HostProcess`.

    Args:
        plan: What it is.

    Attributes:
        worker: What would run in the process.
        pid: A number of its own.
    """

    def __init__(self, plan: HostPlan) -> None:
        self.worker = Worker(plan, on_stale=lambda _error: self.die())
        self.pid = plan.epoch
        self._plan = plan
        self._awake = asyncio.Event()
        self._awake.set()
        self._turning = asyncio.Event()
        self._turning.set()
        self._dead = asyncio.Event()

    @property
    def dead(self) -> bool:
        """Whether it has ended."""
        return self._dead.is_set()

    def freeze(self) -> None:
        """Let all calls to it hang, as a SIGSTOP does."""
        self._awake.clear()

    def thaw(self) -> None:
        """Let it go on, as a SIGCONT does."""
        self._awake.set()

    def block(self) -> None:
        """Let all calls to it hang but pings, as an actor does that blocks the event loop."""
        self._turning.clear()

    def die(self) -> None:
        """End it, as a SIGKILL does."""
        self._dead.set()
        self.worker.host.abort()

    async def deliver(self, batch: bytes) -> None:
        """Give it a batch."""
        await self._call(lambda: self.worker.deliver(batch))

    async def poll(self) -> Sequence[News]:
        """Wait until it has news."""
        return await self._call(self.worker.poll)

    async def ping(self) -> None:
        """Return if it lives."""
        await self._call(lambda: asyncio.sleep(0), needs_turn=False)

    async def turn(self) -> None:
        """Return once its event loop takes a turn."""
        await self._call(lambda: asyncio.sleep(0))

    async def meet(self, peers: Mapping[str, Peer]) -> None:
        """Make other hosts known to it."""
        for name, peer in peers.items():
            meeting = partial(self.worker.meet, name, peer.epoch, peer.process.deliver)
            await self._call(meeting)

    async def lose(self, peer: str, epoch: int) -> None:
        """Tell it that another host is gone."""
        await self._call(lambda: self.worker.lose(peer, epoch))

    async def forget(self, peer: str) -> None:
        """Tell it that another host is gone for good."""
        await self._call(lambda: self.worker.forget(peer))

    async def spawn(self, order: Spawn) -> None:
        """Make an actor there."""
        await self._call(lambda: self.worker.spawn(order))

    async def stop(self, name: str) -> None:
        """Stop an actor there."""
        await self._call(lambda: self.worker.stop(name))

    async def statistics(self) -> HostStatistics:
        """What was done there so far."""
        return await self._call(self.worker.statistics)

    async def retire(self, successor: int) -> None:
        """Tell it that it was replaced."""
        await self._call(lambda: self.worker.retire(successor))

    async def close(self) -> None:
        """Stop its actors."""
        await self._call(self.worker.close)

    def kill(self) -> None:
        """End it."""
        self.die()

    async def _call(self, call: Callable[[], Awaitable[T]], *, needs_turn: bool = True) -> T:
        """Make a call once the process is awake, unless it dies before the answer."""
        answer = asyncio.ensure_future(self._call_when_awake(call, needs_turn))
        death = asyncio.ensure_future(self._dead.wait())
        try:
            await asyncio.wait({answer, death}, return_when=asyncio.FIRST_COMPLETED)
            if not self.dead:
                return answer.result()
            answer.add_done_callback(_see)
            raise HostDiedError(f"host {self._plan.name!r} of epoch {self._plan.epoch} has died")
        finally:
            answer.cancel()
            death.cancel()

    async def _call_when_awake(self, call: Callable[[], Awaitable[T]], needs_turn: bool) -> T:
        await self._awake.wait()
        if needs_turn:
            await self._turning.wait()
        if self.dead:
            return await asyncio.Future()  # the dead do not answer
        return await call()


def _see(answer: "asyncio.Future[Any]") -> None:
    """Look at what comes of a call that nobody waits for, so that asyncio does not complain."""
    if not answer.cancelled():
        answer.exception()


class MemoryCluster:
    """Starts hosts that live in this process; see `Cluster`.

    Attributes:
        processes: All that were started, by name of the host, the latest last.
    """

    def __init__(self) -> None:
        self.processes: dict[str, list[MemoryProcess]] = {}

    @property
    def dumps(self) -> Pickle:
        """Plain pickle."""
        return pickle_5

    async def check(self) -> None:
        """Nothing to do."""

    async def open(self) -> None:
        """Nothing to do."""

    async def start(self, plan: HostPlan) -> MemoryProcess:
        """Start a host."""
        process = MemoryProcess(plan)
        self.processes.setdefault(plan.name, []).append(process)
        return process

    async def close(self) -> None:
        """End all that are left."""
        for process in itertools.chain(*self.processes.values()):
            process.kill()
