"""Actors: how many a process holds, and how fast they talk within a host and between two."""

import asyncio
import os
import random
from collections.abc import Sequence
from statistics import median

from benchmarks.measuring import Cost, Figures, descendants, fresh, measured, resident_bytes
from benchmarks.peer import Peer
from benchmarks.report import Bar, progress, report
from benchmarks.traffic import Add, Ask, Idle, Prepare, Source, Tell
from benchmarks.workload import BODY_BYTES, N_MESSAGES
from simlab.actors import ActorRef, ActorSystem

N_IDLE = 1_000_000
N_WOKEN = 1_000
"""How many of the idle actors are asked something, to see that they are there."""

N_PAIRS = 100
"""Senders and receivers that talk at once, where many do."""

N_REPEATS = 3

BARS = (
    Bar("idle.spawn_all_s", at_most=60),
    Bar("idle.each_bytes", at_most=2_000),
    Bar("one_host.tell.per_cpu_s", at_least=100_000),
    Bar("one_host.tell_among_many.per_cpu_s", at_least=100_000),
    Bar("two_hosts.small.per_s", at_least=50_000),
    Bar("two_hosts.body.per_s", at_least=50_000),
)

PEERS = (
    Peer("ray", "ray_actors", installed=True),
    Peer("xoscar", "xoscar"),
    Peer("pykka", "pykka"),
)


def measure() -> Figures:
    """All figures, each group in a process of its own."""
    progress(f"{N_IDLE:,} idle actors")
    figures: Figures = {"idle": fresh(idle)}
    progress("messages in one host")
    figures["one_host"] = fresh(one_host)
    progress("messages between two Ray hosts")
    figures["two_hosts"] = fresh(two_hosts)
    return figures


def idle() -> Figures:
    """Cost of actors that have nothing to do, and are there nevertheless."""
    return asyncio.run(_idle())


async def _idle() -> Figures:
    async with ActorSystem() as system:
        before = resident_bytes()
        with measured() as cost:
            refs = [system.driver.spawn(Idle) for _ in range(N_IDLE)]
        each_bytes = (resident_bytes() - before) // N_IDLE
        for ref in random.Random(0).sample(refs, N_WOKEN):
            await ref.ask(Add(0))
        return {
            "n_actors": len(refs),
            "spawn_all_s": round(cost.wall_s, 2),
            "spawn_us": round(cost.cpu_s / N_IDLE * 1e6, 2),
            "each_bytes": each_bytes,
        }


def one_host() -> Figures:
    """Rates between actors of one process."""
    return asyncio.run(_one_host())


async def _one_host() -> Figures:
    async with ActorSystem() as system:
        host = system.driver
        source, counter = host.spawn(Source), host.spawn(Idle)
        await source.ask(Prepare(N_MESSAGES))
        tells = [await _cost_of_tell([source], [counter]) for _ in range(N_REPEATS)]
        asks = [await _cost_of_ask(source, counter, N_MESSAGES) for _ in range(N_REPEATS)]
        sources = [host.spawn(Source) for _ in range(N_PAIRS)]
        counters = [host.spawn(Idle) for _ in range(N_PAIRS)]
        for each in sources:
            await each.ask(Prepare(N_MESSAGES // N_PAIRS))
        crowds = [await _cost_of_tell(sources, counters) for _ in range(N_REPEATS)]
    return {
        "tell": _rates(tells, N_MESSAGES),
        "tell_among_many": {"n_pairs": N_PAIRS, **_rates(crowds, N_MESSAGES)},
        "ask": _rates(asks, N_MESSAGES),
    }


def two_hosts() -> Figures:
    """Rates between two actors in two Ray hosts; CPU time is that of all processes of Ray's."""
    return asyncio.run(_two_hosts())


async def _two_hosts() -> Figures:
    async with ActorSystem(hosts=2) as system:
        first, second = system.hosts
        source = await system.spawn(Source, host=first)
        counter = await system.spawn(Idle, host=second)
        processes = descendants(os.getpid())
        figures: Figures = {}
        for name, body_bytes in (("small", 0), ("body", BODY_BYTES)):
            await source.ask(Prepare(N_MESSAGES, body_bytes))
            costs = [await _cost_of_tell([source], [counter], processes) for _ in range(N_REPEATS)]
            figures[name] = _rates(costs, N_MESSAGES)
        n_asks = N_MESSAGES // 100
        asks = [await _cost_of_ask(source, counter, n_asks, processes) for _ in range(N_REPEATS)]
        figures["ask"] = _rates(asks, n_asks)
        return {**figures, "body_bytes": BODY_BYTES}


async def _cost_of_tell(
    sources: Sequence[ActorRef], counters: Sequence[ActorRef], processes: Sequence[int] = ()
) -> Cost:
    """Of all prepared messages, from each source to its counter."""
    with measured(processes) as cost:
        await asyncio.gather(*(s.ask(Tell(c)) for s, c in zip(sources, counters, strict=True)))
    return cost


async def _cost_of_ask(
    source: ActorRef, counter: ActorRef, n_asks: int, processes: Sequence[int] = ()
) -> Cost:
    with measured(processes) as cost:
        await source.ask(Ask(counter, n_asks))
    return cost


def _rates(costs: Sequence[Cost], n: int) -> Figures:
    """Median rates of runs in which `n` things were done each."""
    middle = Cost(median(cost.cpu_s for cost in costs), median(cost.wall_s for cost in costs))
    return {**middle.per_s(n), "n_repeats": len(costs)}


if __name__ == "__main__":
    report("actors", measure, bars=BARS, peers=PEERS)
