# mypy: disable-error-code="import-not-found, misc, untyped-decorator"
"""Xoscar: many actors in each process of a pool."""

import asyncio
import json
import os
from importlib.metadata import version
from typing import Any

import xoscar
from xoscar.backends.allocate_strategy import ProcessIndex

from benchmarks.measuring import Figures, descendants, measured, resident_bytes
from benchmarks.workload import BODY_BYTES, bodies

ADDRESS = "127.0.0.1:0"
N_ACTORS = 20_000
N_MESSAGES = 20_000
BATCH = 100
"""Messages in one call, where the sender batches; SimLab does so by itself."""


class Counter(xoscar.Actor):
    """Counts what it is told."""

    def __init__(self) -> None:
        self.number = 0

    @xoscar.extensible
    def add(self, message: object) -> None:  # noqa: ARG002 - a name that its fields may have
        """Take a message."""
        self.number += 1

    def count(self) -> int:
        """How many there were since this was last asked."""
        number, self.number = self.number, 0
        return number


class Source(xoscar.Actor):
    """Sends messages to a counter from the process in which it lives."""

    def __init__(self) -> None:
        self.messages: list[int | bytes] = []

    def prepare(self, n_messages: int, body_bytes: int) -> None:
        """Make the messages before anything is measured."""
        self.messages = bodies(n_messages, body_bytes)

    async def tell(self, counter: Any) -> None:
        """Tell one after another, until all have arrived."""
        for message in self.messages:
            await counter.add.tell(message)
        await self._wait_for_all(counter)

    async def tell_in_batches(self, counter: Any) -> None:
        """Tell many in each call, until all have arrived."""
        for start in range(0, len(self.messages), BATCH):
            batch = self.messages[start : start + BATCH]
            await counter.add.batch(*[counter.add.delay(message) for message in batch])
        await self._wait_for_all(counter)

    async def ask(self, counter: Any) -> None:
        """Ask one after another."""
        for message in self.messages:
            await counter.add(message)
        await self._wait_for_all(counter)

    async def _wait_for_all(self, counter: Any) -> None:
        arrived = 0
        while arrived < len(self.messages):
            arrived += await counter.count()


async def idle(address: str) -> Figures:
    """Cost of actors that do nothing, in this process."""
    before = resident_bytes()
    with measured() as cost:
        actors = [await xoscar.create_actor(Counter, address=address) for _ in range(N_ACTORS)]
    return {
        "n_actors": len(actors),
        "spawn_us": round(cost.wall_s / N_ACTORS * 1e6, 2),
        "each_bytes": (resident_bytes() - before) // N_ACTORS,
    }


async def one_host(address: str) -> Figures:
    """Rates between two actors of this process."""
    source = await xoscar.create_actor(Source, address=address)
    counter = await xoscar.create_actor(Counter, address=address)
    await source.prepare(N_MESSAGES, 0)
    with measured() as tells:
        await source.tell(counter)
    with measured() as asks:
        await source.ask(counter)
    return {"tell": tells.per_s(N_MESSAGES), "ask": asks.per_s(N_MESSAGES)}


async def two_hosts(address: str) -> Figures:
    """Rates between two actors in two processes of a pool."""
    processes = descendants(os.getpid())
    source, counter = [
        await xoscar.create_actor(kind, address=address, allocate_strategy=ProcessIndex(number))
        for number, kind in ((1, Source), (2, Counter))
    ]
    figures: Figures = {}
    for name, body_bytes in (("small", 0), ("body", BODY_BYTES)):
        await source.prepare(N_MESSAGES, body_bytes)
        with measured(processes) as tells:
            await source.tell(counter)
        with measured(processes) as batches:
            await source.tell_in_batches(counter)
        figures[name] = {
            **tells.per_s(N_MESSAGES),
            f"in_batches_of_{BATCH}": batches.per_s(N_MESSAGES),
        }
    return figures


async def main() -> None:
    """Measure, and print the figures."""
    figures: Figures = {"version": version("xoscar")}
    async with await xoscar.create_actor_pool(ADDRESS, n_process=0) as pool:
        figures["idle"] = await idle(pool.external_address)
        figures["one_host"] = await one_host(pool.external_address)
    async with await xoscar.create_actor_pool(ADDRESS, n_process=2) as pool:
        figures["two_hosts"] = await two_hosts(pool.external_address)
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main())
