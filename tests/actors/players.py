"""Actors, messages and hosts for tests; importable in every process."""

import asyncio
import os
import uuid
from dataclasses import dataclass, field
from typing import Any

from simlab.actors import Actor, ActorRef, Host
from simlab.actors.envelope import carried
from simlab.actors.memory import MemoryTransport


@dataclass(frozen=True, slots=True)
class Say:
    """Keep this."""

    what: Any


@dataclass(frozen=True, slots=True)
class Recall:
    """Answer all that was kept."""


class Recorder(Actor):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self._kept: list[Any] = []

    def receive(self, message: Say | Recall) -> list[Any]:
        if isinstance(message, Say):
            self._kept.append(message.what)
        return list(self._kept)


class AsyncRecorder(Actor):
    """Keeps what it is told, and lets others run meanwhile."""

    def __init__(self) -> None:
        self._kept: list[Any] = []

    async def receive(self, message: Say | Recall) -> list[Any]:
        if isinstance(message, Say):
            await asyncio.sleep(0)
            self._kept.append(message.what)
        return list(self._kept)


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the next actor with the rest of the route, and answer what it answers."""

    route: tuple[ActorRef, ...]


class Asker(Actor):
    """Asks along a route; the last one answers its name."""

    async def receive(self, message: Ask) -> str:
        if not message.route:
            return self.ref.name
        answer: str = await message.route[0].ask(Ask(message.route[1:]))
        return answer


@dataclass(frozen=True, slots=True)
class Flood:
    """Tell an actor numbers from 0 to n, marked as yours."""

    target: ActorRef
    n: int
    mark: str = ""


class Flooder(Actor):
    """Tells as fast as it may; answers when all was sent."""

    async def receive(self, message: Flood) -> int:
        for number in range(message.n):
            await message.target.tell(Say((message.mark or self.ref.name, number)))
        return message.n


class Failing(Actor):
    """Raises what it is sent."""

    def receive(self, message: Exception) -> None:
        raise message


class Echo(Actor):
    """Answers what it is sent."""

    def receive(self, message: Any) -> Any:
        return message


class Whereabouts(Actor):
    """Answers its host and its process, whatever it is asked."""

    def receive(self, _message: Any) -> tuple[str, int]:
        return self.ref.host, os.getpid()


class Bearer(Actor):
    """Answers what is carried beside the message."""

    def receive(self, _message: Any) -> object:
        return carried.get()


class Gate(Actor):
    """Handles each message only once it was opened for it; for tests in one process."""

    def __init__(self) -> None:
        self.entered: list[Any] = []
        self.left: list[Any] = []
        self.cancelled: list[Any] = []
        self.open = asyncio.Semaphore(0)
        self.busy = asyncio.Event()

    async def receive(self, message: Any) -> Any:
        self.entered.append(message)
        self.busy.set()
        try:
            await self.open.acquire()
        except asyncio.CancelledError:
            self.cancelled.append(message)
            raise
        self.left.append(message)
        return message


class Promising(Actor):
    """Promises every answer; for tests in one process."""

    def __init__(self) -> None:
        self.promised: list[asyncio.Future[Any]] = []

    def receive(self, _message: Any) -> "asyncio.Future[Any]":
        answer = asyncio.get_running_loop().create_future()
        self.promised.append(answer)
        return answer


@dataclass(slots=True)
class Diary:
    """What has happened to actors, in order; shared within a process."""

    entries: list[str] = field(default_factory=list)


class Living(Actor):
    """Writes its life into a diary."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary

    def started(self) -> None:
        self._diary.entries.append(f"{self.ref.name} started")

    def receive(self, message: str) -> None:
        self._diary.entries.append(f"{self.ref.name} got {message}")

    def stopped(self) -> None:
        self._diary.entries.append(f"{self.ref.name} stopped")


class AsyncLiving(Actor):
    """Writes its life into a diary, and waits at every stage."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary

    async def started(self) -> None:
        await asyncio.sleep(0)
        self._diary.entries.append(f"{self.ref.name} started")

    async def receive(self, message: str) -> None:
        await asyncio.sleep(0)
        self._diary.entries.append(f"{self.ref.name} got {message}")

    async def stopped(self) -> None:
        await asyncio.sleep(0)
        self._diary.entries.append(f"{self.ref.name} stopped")


class Stillborn(Actor):
    """Fails to start, at once or later."""

    def __init__(self, *, later: bool) -> None:
        self._later = later

    def started(self) -> Any:
        if self._later:
            return self._fail()
        raise RuntimeError("cannot start")

    async def _fail(self) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("cannot start")

    def receive(self, message: Any) -> Any:
        return message


def actor_of(host: Any, ref: ActorRef) -> Any:
    """The actor behind a reference, for tests that look at it."""
    return host.cell(ref.name).actor


async def turns(n: int) -> None:
    """Let the event loop turn n times."""
    for _ in range(n):
        await asyncio.sleep(0)


def join(transport: MemoryTransport, *names: str, **kwargs: Any) -> list[Host]:
    """Hosts of one new system that reach each other."""
    system = uuid.uuid4().hex
    hosts = [Host(system, name, transport=transport, **kwargs) for name in names]
    transport.connect(*hosts)
    return hosts
