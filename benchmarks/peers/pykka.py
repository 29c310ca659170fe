# mypy: disable-error-code="import-not-found, misc"
"""Pykka: an actor is a thread, and all live in one process."""

import json
from importlib.metadata import version

import pykka

from benchmarks.measuring import Figures, measured, resident_bytes
from benchmarks.workload import N_MESSAGES

N_ACTORS = 1_000
"""Threads; more than some thousands exhaust what a process is given."""


class Counter(pykka.ThreadingActor):
    """Counts what it is told, and answers None with how many."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def on_receive(self, message: int | None) -> int:
        """Take a message."""
        if message is not None:
            self.count += 1
        return self.count


def idle() -> Figures:
    """Cost of actors that do nothing."""
    before = resident_bytes()
    with measured() as cost:
        actors = [Counter.start() for _ in range(N_ACTORS)]
    each_bytes = (resident_bytes() - before) // N_ACTORS
    for actor in actors:
        actor.stop(block=True)
    return {
        "n_actors": N_ACTORS,
        "spawn_us": round(cost.wall_s / N_ACTORS * 1e6, 2),
        "each_bytes": each_bytes,
    }


def one_host() -> Figures:
    """Rates of messages to one actor."""
    actor = Counter.start()
    with measured() as tells:
        for number in range(N_MESSAGES):
            actor.tell(number)
        actor.ask(None)
    n_asks = N_MESSAGES // 10
    with measured() as asks:
        for number in range(n_asks):
            actor.ask(number)
    actor.stop(block=True)
    return {"tell": tells.per_s(N_MESSAGES), "ask": asks.per_s(n_asks)}


if __name__ == "__main__":
    figures = {"version": version("pykka"), "idle": idle(), "one_host": one_host()}
    print(json.dumps(figures))
