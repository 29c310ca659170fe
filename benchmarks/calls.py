"""Calls of a model: recorded in a run, and made again by the hosts of a system."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.runs import scratch
from simlab.actors import Actor
from simlab.models.calls import Generate, perform
from simlab.models.model import Completion, Model, Prompt, Sampling
from simlab.models.scripted import ScriptedModel
from simlab.seeding import derive
from simlab.sim.launch import prepare

_recorded: list[Generate] = []
"""What recorders of this process were asked."""


@dataclass(frozen=True, slots=True)
class Recorder(ScriptedModel):
    """A scripted model that keeps what it is asked."""

    async def generate(
        self, prompt: Prompt, sampling: Sampling = Sampling(), *, session: str | None = None
    ) -> Completion:
        """Complete a prompt; see `Model.generate`."""
        _recorded.append(Generate(prompt, sampling, session))
        return await ScriptedModel.generate(self, prompt, sampling, session=session)


def recorded(episodes: int, seed: int) -> list[Generate]:
    """The calls of a run of ``car_sale``, in the order in which they were made.

    Agents begin their replies and ask again as they do with real weights; what is answered is
    scripted, so that the calls are the same on every machine. Each has a seed.
    """
    _recorded.clear()
    with scratch() as folder:
        launch = prepare(
            "car_sale",
            episodes=episodes,
            seed=seed,
            hosts=0,
            out=folder / "run",
            models={"all": f"{__name__}:Recorder"},
        )
        launch.run()
    return [
        replace(call, sampling=replace(call.sampling, seed=derive(seed, number)))
        for number, call in enumerate(_recorded)
    ]


def ideal_cached_tokens(prompts: Sequence[Sequence[int]], block: int) -> int:
    """How many tokens a cache that forgets nothing would not read anew, in whole blocks.

    Args:
        prompts: Token ids, in the order in which they are asked.
        block: Tokens of a block; the last token of a prompt is always read.
    """
    seen: set[tuple[int, ...]] = set()
    cached = 0
    for prompt in prompts:
        begun = [tuple(prompt[:stop]) for stop in range(block, len(prompt), block)]
        cached += block * sum(1 for _ in _while_in(begun, seen))
        seen.update(begun)
    return cached


@dataclass(frozen=True, slots=True)
class Load:
    """Make calls of a model; answered with what was drawn, once all have answers.

    Attributes:
        calls: What to ask.
        model: Whom.
        at_once: How many calls may be under way; None for all.
    """

    calls: Sequence[Generate]
    model: Model
    at_once: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a load.

    Attributes:
        n: How many calls.
        tokens: Tokens drawn.
        wall_s: From the first call to the last answer.
        mean_latency_s: Of a call.
    """

    n: int
    tokens: int
    wall_s: float
    mean_latency_s: float

    @property
    def per_s(self) -> float:
        """Calls in a second."""
        return self.n / self.wall_s


@dataclass(frozen=True)
class BareModel:
    """Asks a handle of Ray Serve in one call for each request, as it is used by itself.

    Attributes:
        handle: Of a deployment that takes a `Generate`.
    """

    handle: Any
    name: str = "bare"

    async def generate(
        self, prompt: Prompt, sampling: Sampling = Sampling(), *, session: str | None = None
    ) -> Completion:
        """Complete a prompt, in a call of its own."""
        completion: Completion = await self.handle.remote(Generate(prompt, sampling, session))
        return completion


class Caller(Actor):
    """Makes the calls of a load, from the host that it lives in."""

    def receive(self, message: Load) -> "asyncio.Future[Answered]":
        """Begin to call."""
        return asyncio.ensure_future(make(message))


async def make(load: Load) -> Answered:
    """Make the calls of a load."""
    calls = iter(load.calls)
    latencies: list[float] = []
    n_workers = load.at_once or len(load.calls)
    start = time.perf_counter()
    drawn = await asyncio.gather(*(_work(calls, load.model, latencies) for _ in range(n_workers)))
    wall_s = time.perf_counter() - start
    return Answered(len(latencies), sum(drawn), wall_s, sum(latencies) / len(latencies))


async def _work(calls: Iterator[Generate], model: Model, latencies: list[float]) -> int:
    tokens = 0
    for call in calls:
        start = time.perf_counter()
        completion: Any = await perform(model, call)
        latencies.append(time.perf_counter() - start)
        tokens += completion.usage.completion_tokens
    return tokens


def _while_in(begun: Sequence[tuple[int, ...]], seen: set[tuple[int, ...]]) -> Iterator[None]:
    for prefix in begun:
        if prefix not in seen:
            return
        yield None
