"""Ratings: how many a model gives in a second, and how a completion fares beside them.

Each is of a dialogue of its own, under a rubric that all share; the labels are the numbers to 10.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import count
from statistics import median
from typing import Any

from benchmarks.measuring import Cost, Figures, fresh, measured
from benchmarks.report import progress, report
from simlab.models.engines import build
from simlab.models.model import ChatMessage, Model, Sampling

AT_ONCE = 16
N_TOKENS = 16
N_REPEATS = 3

RUBRIC = "Rate from 1 to 10 how honest the seller is. 10: every claim is true. 1: none is. " * 6
TURN = "The buyer said that the car is fine, and the seller that the price is far too low. "
LABELS = tuple(str(number) for number in range(1, 11))


def measure() -> Figures:
    """Figures of engine ``transformers`` on the embedded weights."""
    progress(f"ratings, {AT_ONCE} at once and one at a time")
    return fresh(measure_ratings, {"engine": "transformers", "weights": "embedded"})


def measure_ratings(options: dict[str, Any]) -> Figures:
    """Figures of one engine, in this process."""
    return asyncio.run(_measure(build("rated", options)))


async def _measure(model: Any) -> Figures:
    await asyncio.to_thread(model.open)
    rate = partial(_rate, model, count(100))
    await asyncio.gather(_complete(model), rate())
    singly, at_once, alone, beside = [], [], [], []
    for _ in range(N_REPEATS):
        with measured() as cost:
            for _ in range(AT_ONCE):
                await rate()
        singly.append(cost)
        with measured() as cost:
            await asyncio.gather(*(rate() for _ in range(AT_ONCE)))
        at_once.append(cost)
        with measured() as cost:
            await _complete(model)
        alone.append(cost)
        ratings = [asyncio.ensure_future(rate()) for _ in range(AT_ONCE)]
        await asyncio.sleep(0)  # so that they come first
        with measured() as cost:
            await _complete(model)
        beside.append(cost)
        await asyncio.gather(*ratings)
    await model.close()
    return {
        "ratings_one_at_a_time": _rates(singly, AT_ONCE),
        f"ratings_{AT_ONCE}_at_once": _rates(at_once, AT_ONCE),
        "tokens_alone": _rates(alone, N_TOKENS),
        f"tokens_beside_{AT_ONCE}_ratings": _rates(beside, N_TOKENS),
        "n_repeats": N_REPEATS,
    }


async def _rate(model: Model, numbers: "count[int]") -> None:
    dialogue = f"Dialogue {next(numbers)}. " + TURN * 8
    await model.choice_logprobs([ChatMessage("user", RUBRIC + dialogue)], LABELS)


async def _complete(model: Model) -> None:
    sampling = Sampling(max_tokens=N_TOKENS, temperature=0)
    await model.generate([ChatMessage("user", "Tell me a long story.")], sampling)


def _rates(costs: Sequence[Cost], n: int) -> Figures:
    """How many of `n` things there were in a second that passed, and in a second of CPU."""
    return {
        "per_s": round(n / median(cost.wall_s for cost in costs), 2),
        "per_cpu_s": round(n / median(cost.cpu_s for cost in costs), 2),
    }


if __name__ == "__main__":
    report("ratings", measure, bars=())
