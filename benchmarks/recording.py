"""Recording: what it costs to write events and spans durably; part of the benchmark of the log."""

import asyncio
import os
import random
import string
import time
from collections.abc import Callable
from statistics import median

from benchmarks.measuring import Figures, measured, medians
from benchmarks.runs import scratch
from simlab.trace import note, span, traced
from simlab.trace.events import Noted, encode
from simlab.trace.journal import Journal
from simlab.trace.tracing import turn
from simlab.trace.writer import SegmentWriter

N_EVENTS = 200_000
N_SPANS = 10_000
SPANS_A_COMMIT = 100
N_SYNCS = 200
STEP_BYTES = 1_500
N_REPEATS = 3

EVENTS_A_STEP = 5
"""About what a step of one action writes: a span's two ends, an effect, a text, the step."""

_SIX_KEYS = {
    "temperature": 0.7,
    "top_p": 0.9,
    "max_tokens": 64,
    "stop": ["\n"],
    "seed": 7,
    "model": "small",
}


def durable_events(n_live: int, n_events: int) -> Figures:
    """Rate of small events, each durable before its writer goes on from the step that it is in.

    Args:
        n_live: How many write at once, as episodes do, each a step's events and then a commit.
        n_events: In all.
    """
    return asyncio.run(_durable_events(n_live, n_events))


async def _durable_events(n_live: int, n_events: int) -> Figures:
    waits: list[float] = []
    n_steps = n_events // n_live // EVENTS_A_STEP

    async def play(episode: int) -> None:
        for step in range(n_steps):
            for number in range(EVENTS_A_STEP):
                event = Noted("buyer", step, "act", number, step, "thought", "wait", [], 0.0)
                writer.append(event.KIND, episode, encode(event))
            start = time.perf_counter()
            await writer.commit()
            waits.append(time.perf_counter() - start)

    with scratch() as folder:
        writer = SegmentWriter(folder / "000001-driver.log")
        with measured() as cost:
            await asyncio.gather(*map(play, range(n_live)))
        writer.close()
    n_written = n_live * n_steps * EVENTS_A_STEP
    return {
        "n_live": n_live,
        "n_events": n_written,
        **cost.per_s(n_written),
        "commit_wait_s": round(median(waits), 6),
    }


def sync() -> Figures:
    """Cost of a step's bytes and a sync by themselves: what no durable step can go below."""
    costs = []
    with scratch() as folder, (folder / "file").open("ab", buffering=0) as file:
        for _ in range(N_REPEATS):
            with measured() as cost:
                for _ in range(N_SYNCS):
                    file.write(bytes(STEP_BYTES))
                    os.fdatasync(file.fileno())
            costs.append(cost)
    return medians(costs, N_SYNCS, "sync")


def spans() -> Figures:
    """Costs of spans in treetrace's own terms, each durable within a hundred others."""
    kinds: dict[str, Callable[[int, list[str]], None]] = {
        "bare": _bare,
        "two_inputs": _two_inputs,
        "note": _note,
        "traced": _traced,
    }
    return {name: _span_figures(write) for name, write in kinds.items()}


def _bare(_number: int, _texts: list[str]) -> None:
    with span("deliberation"):
        pass


def _two_inputs(number: int, texts: list[str]) -> None:
    with span("query", inputs={"prompt": texts[2 * number], "options": _SIX_KEYS}) as here:
        here.set_result(texts[2 * number + 1])


def _note(_number: int, _texts: list[str]) -> None:
    note("thought", "wait")


@traced()
def _add(one: int, other: int) -> int:
    return one + other


def _traced(number: int, _texts: list[str]) -> None:
    _add(number, 1)


def _span_figures(write: Callable[[int, list[str]], None]) -> Figures:
    """Median cost of one, and the bytes that all took."""
    texts = _texts(2 * N_SPANS)
    costs, sizes = [], []
    for _ in range(N_REPEATS):
        with scratch() as folder:
            path = folder / "000001-driver.log"
            writer = SegmentWriter(path)
            journal = Journal(0, seed=7, writer=writer)
            with measured() as cost:
                asyncio.run(_write_all(journal, writer, write, texts))
            writer.close()
            sizes.append(path.stat().st_size)
        costs.append(cost)
    return {**medians(costs, N_SPANS, "span"), "n_spans": N_SPANS, "all_bytes": sizes[-1]}


async def _write_all(
    journal: Journal,
    writer: SegmentWriter,
    write: Callable[[int, list[str]], None],
    texts: list[str],
) -> None:
    for start in range(0, N_SPANS, SPANS_A_COMMIT):
        with turn(journal, "buyer", start, "act"):
            for number in range(start, start + SPANS_A_COMMIT):
                write(number, texts)
        await writer.commit()


def _texts(n: int) -> list[str]:
    """Texts of 200 characters, none like another."""
    rng = random.Random(0)
    return ["".join(rng.choices(string.ascii_lowercase + " ", k=200)) for _ in range(n)]
