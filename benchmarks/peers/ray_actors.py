"""Ray without SimLab: each actor is a process, each message a call."""

import json
import logging
import os
import time
from typing import Any

import ray

from benchmarks.measuring import Figures, descendants, measured, private_bytes
from benchmarks.workload import BODY_BYTES, bodies

N_ACTORS = 8
N_MESSAGES = 5_000
UNANSWERED = 1_000
"""Calls on their way at once; from 5,000 on Ray warns of memory."""


class Counter:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, _message: object) -> int:
        """Take a message."""
        self.count += 1
        return self.count

    def process(self) -> int:
        """Its process id."""
        return os.getpid()


class Source:
    """Sends messages to a counter from a process of its own."""

    def __init__(self) -> None:
        self.messages: list[int | bytes] = []

    def prepare(self, n_messages: int, body_bytes: int) -> None:
        """Make the messages before anything is measured."""
        self.messages = bodies(n_messages, body_bytes)

    def tell(self, counter: Any) -> None:
        """Call again and again, many calls on their way at once, until all are answered."""
        for start in range(0, len(self.messages), UNANSWERED):
            batch = self.messages[start : start + UNANSWERED]
            ray.get([counter.add.remote(message) for message in batch])

    def ask(self, counter: Any, n_asks: int) -> None:
        """Call and wait for the answer, one after another."""
        for message in self.messages[:n_asks]:
            ray.get(counter.add.remote(message))


def spawned() -> Figures:
    """Cost of actors that do nothing, measured once they have answered."""
    start = time.perf_counter()
    actors = [_start(Counter) for _ in range(N_ACTORS)]
    processes = ray.get([actor.process.remote() for actor in actors])
    spawn_s = time.perf_counter() - start
    each_bytes = sum(map(private_bytes, processes)) // N_ACTORS
    for actor in actors:
        ray.kill(actor)
    return {
        "n_actors": N_ACTORS,
        "spawn_us": round(spawn_s / N_ACTORS * 1e6),
        "each_bytes": each_bytes,
    }


def two_hosts() -> Figures:
    """Rates between two actors; each has a process of its own."""
    source, counter = _start(Source), _start(Counter)
    figures: Figures = {}
    for name, body_bytes in (("small", 0), ("body", BODY_BYTES)):
        ray.get(source.prepare.remote(N_MESSAGES, body_bytes))
        ray.get(source.ask.remote(counter, 10))
        with measured(descendants(os.getpid())) as tells:
            ray.get(source.tell.remote(counter))
        figures[name] = tells.per_s(N_MESSAGES)
    n_asks = N_MESSAGES // 10
    with measured(descendants(os.getpid())) as asks:
        ray.get(source.ask.remote(counter, n_asks))
    figures["ask"] = asks.per_s(n_asks)
    return figures


def _start(kind: type) -> Any:
    """The handle of a new actor, on which Ray makes methods as they are called."""
    return ray.remote(num_cpus=0)(kind).remote()


if __name__ == "__main__":
    ray.init("local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    print(json.dumps({"version": ray.__version__, "idle": spawned(), "two_hosts": two_hosts()}))
    ray.shutdown()
