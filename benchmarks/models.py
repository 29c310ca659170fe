"""Models: what it costs to ask them through Ray Serve, and how well their caches are used.

The requests of a run are recorded once. Each engine gets them offline, all at once in one batch of
its own process, and through Serve from two hosts; thirds of the episodes go to both in turn, so
that a machine that slows down slows both. A scripted model shows what the transport itself can
carry, beside a bare handle of Serve that makes one call for each request.
"""

import asyncio
import importlib.util
import platform
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

from benchmarks import ratings
from benchmarks.calls import Answered, BareModel, Caller, Load, ideal_cached_tokens, make, recorded
from benchmarks.measuring import Figures, fresh
from benchmarks.report import Bar, progress, report
from simlab.actors import ActorRef, ActorSystem
from simlab.models.calls import Generate, perform
from simlab.models.engines import ModelSpec, build
from simlab.models.held import EngineStatistics
from simlab.models.model import Model
from simlab.models.render import Renderer
from simlab.models.scripted import ScriptedModel
from simlab.models.served import ServedModel
from simlab.models.serving import RUNNING, App
from simlab.models.weights import resolve

EPISODES = 64
PARTS = 3
"""The requests are cut into so many parts, each measured offline and served."""

REQUESTS = 6_000
AT_ONCE = (1, 64, 256)

OPTIONS: dict[str, Any] = {"weights": "embedded", "dtype": "bfloat16"}
ENGINES: dict[str, tuple[dict[str, Any], int]] = {
    "vllm": ({"engine": "vllm", "gpu_memory_utilization": 0.4, **OPTIONS}, 32),
    "transformers": ({"engine": "transformers", **OPTIONS}, 64),
}
"""What is served of each engine, and how many tokens a block of its prefix cache has. Two engines
share the device, one offline and one served."""

INSTALLED = [engine for engine in ENGINES if importlib.util.find_spec(engine) is not None]

BARS = (
    *[Bar(f"{engine}.served_to_offline", at_least=0.95) for engine in INSTALLED],
    Bar("transport.at_once_64.per_s", at_least=2_000),
    Bar("transport.at_once_256.per_s", at_least=300),
    Bar("transport.at_once_1.overhead_s", at_most=0.005),
)


def measure() -> Figures:
    """Figures of the transport, and of each engine that is installed."""
    progress("the transport, with a scripted model")
    figures: Figures = {"device": _device(), "transport": fresh(_transport)}
    for engine in ENGINES:
        if engine not in INSTALLED:
            figures[engine] = {"unavailable": "it is not installed; `make setup` brings it"}
            continue
        progress(f"{engine}, {EPISODES} episodes offline and served")
        figures[engine] = fresh(partial(_engine, engine))
    if "transformers" in INSTALLED:
        figures["ratings"] = ratings.measure()
    return figures


def _transport() -> Figures:
    return asyncio.run(_on_serve({"engine": "scripted"}, _measure_transport))


async def _measure_transport(system: ActorSystem, served: ServedModel) -> Figures:
    from ray import serve

    host = await system.spawn(Caller, host=system.hosts[0])
    calls = recorded(8, seed=1)
    calls = [calls[number % len(calls)] for number in range(REQUESTS)]
    handle = serve.run(_bare_application(), name="bare", route_prefix=None)
    bare: Any = BareModel(handle.options(_by_reference=False))
    figures: Figures = {"n_requests": REQUESTS}
    for at_once in AT_ONCE:
        few = calls[:500] if at_once == 1 else calls
        carried = await _median(host, Load(few, served, at_once))
        direct = await _median(host, Load(few, ScriptedModel("direct"), at_once))
        alone = await _median(host, Load(few[:1500], bare, at_once))
        figures[f"at_once_{at_once}"] = {
            "per_s": round(carried.per_s),
            "mean_latency_s": round(carried.mean_latency_s, 5),
            "overhead_s": round(carried.mean_latency_s - direct.mean_latency_s, 5),
            "bare_handle_per_s": round(alone.per_s),
            "to_bare_handle": round(carried.per_s / alone.per_s, 1),
        }
    serve.delete("bare")
    return figures


async def _median(host: ActorRef, load: Load) -> Answered:
    """The median of three by rate, after one to warm up."""
    answers: list[Answered] = [await host.ask(load) for _ in range(4)][1:]
    return sorted(answers, key=lambda answered: answered.per_s)[1]


def _engine(engine: str) -> Figures:
    return asyncio.run(_on_serve(ENGINES[engine][0], partial(_measure_engine, engine)))


async def _measure_engine(engine: str, system: ActorSystem, served: ServedModel) -> Figures:
    from simlab.models.serve import RayServe

    options, block = ENGINES[engine]
    calls = recorded(EPISODES, seed=7)
    offline: Any = build("offline", options)
    await asyncio.to_thread(offline.open)
    hosts = [await system.spawn(Caller, host=host) for host in system.hosts]
    await asyncio.gather(make(Load(calls[:2], offline)), make(Load(calls[:2], served)))
    alone, through = [], []
    for part in _parts(calls):
        answered = await make(Load(part, offline))
        alone.append(answered.tokens / answered.wall_s)
        through.append(await _tokens_per_s(hosts, part, served))
        progress(
            f"{len(part)} requests: {alone[-1]:.0f} tokens/s offline, {through[-1]:.0f} served"
        )
    statistics = offline.open().statistics()
    await offline.close()
    [replica] = await RayServe().statistics(App(served.app, RUNNING, served.n_replicas))
    assert replica is not None
    assert replica.engine is not None, "a served engine tells of itself"
    ratios = [served_per_s / per_s for served_per_s, per_s in zip(through, alone, strict=True)]
    return {
        "served_to_offline": round(median(ratios), 3),
        "lowest_served_to_offline": round(min(ratios), 3),
        "highest_served_to_offline": round(max(ratios), 3),
        "offline_tokens_per_s": round(median(alone), 1),
        "served_tokens_per_s": round(median(through), 1),
        "n_requests": len(calls),
        "n_repeats": PARTS,
        "offline_cached_share": _cached_share(statistics),
        "served_cached_share": _cached_share(replica.engine),
        "ideal_cached_share": round(_ideal_share(offline.weights, calls, block), 3),
    }


async def _tokens_per_s(
    hosts: Sequence[ActorRef], calls: Sequence[Generate], model: Model
) -> float:
    """Tokens drawn in a second where all hosts call at once, each for sessions of its own."""
    shares: list[list[Generate]] = [[] for _ in hosts]
    sessions = sorted({call.session or "" for call in calls})
    for call in calls:
        shares[sessions.index(call.session or "") % len(hosts)].append(call)
    start = time.perf_counter()
    answered: list[Answered] = await asyncio.gather(
        *(host.ask(Load(share, model)) for host, share in zip(hosts, shares, strict=True))
    )
    return sum(one.tokens for one in answered) / (time.perf_counter() - start)


def _parts(calls: Sequence[Generate]) -> list[list[Generate]]:
    """The calls in parts of whole sessions, in the order in which they were made."""
    sessions = {session: number for number, session in enumerate({c.session: None for c in calls})}
    parts: list[list[Generate]] = [[] for _ in range(PARTS)]
    for call in calls:
        parts[sessions[call.session] % PARTS].append(call)
    return parts


def _cached_share(statistics: EngineStatistics) -> float:
    return round(statistics.cached_tokens / statistics.prompt_tokens, 3)


def _ideal_share(weights: str, calls: Sequence[Generate], block: int) -> float:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(resolve(weights), local_files_only=True)
    renderer = Renderer(tokenizer)
    prompts = [renderer.prompt_ids(call.prompt) for part in _parts(calls) for call in part]
    return ideal_cached_tokens(prompts, block) / sum(map(len, prompts))


async def _on_serve(
    options: Mapping[str, Any],
    work: Callable[[ActorSystem, ServedModel], Coroutine[Any, Any, Figures]],
) -> Figures:
    """What the work finds with two hosts and a model that is served."""
    from simlab.models.serve import RayServe

    async with ActorSystem(hosts=2) as system:
        server = RayServe()
        n_replicas = await server.start("benchmark", "served", ModelSpec.model_validate(options))
        try:
            return await work(system, ServedModel("served", "benchmark", n_replicas))
        finally:
            await server.stop("benchmark")


def _bare_application() -> Any:
    """A deployment that takes one call a request, as a handle of Serve is used by itself.

    Its class travels by value, being defined here: replicas do not find this module.
    """
    from ray import serve

    class Bare:
        def __init__(self) -> None:
            self._model = ScriptedModel("bare")

        async def __call__(self, call: Generate) -> Any:
            return await perform(self._model, call)

    return serve.deployment(max_ongoing_requests=1024)(Bare).bind()


def _device() -> str:
    """What the engines compute on: the first GPU, or the processor."""
    import torch

    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    report("models", measure, bars=BARS)
