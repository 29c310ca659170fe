"""Dialogues: how many an hour, each at its own pace, beside all of them in lock-step.

One kind of deployment answers both, started anew so that the second finds nothing in its cache that
the first has read. `simlab run` plays the dialogues of ``support`` on two hosts, in which an
assistant and a character talk and the character rates each reply; replies have log-normal lengths.
Then the requests of that run are made again, with their prompts as token ids and their lengths, as
the ancestors made theirs: the dialogues that are live take each turn together, seat after seat, and
wait for the slowest before they go on.

Slots are the requests that the engine computes at once: as many as dialogues are live. On a CPU it
computes all the time either way, and lock-step loses since a step of one request costs about what a
step of eight does. So its CPU time stands beside the time that passes. What prompts and further
requests cost is the same either way, and just that grows when others use the machine: then the
ratio is lower.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from benchmarks.measuring import Cost, Figures, cpu_s_of, descendants, fresh
from benchmarks.replies import SIGMA, Talker, endless_weights
from benchmarks.report import Bar, progress, report
from benchmarks.runs import lasted_s, scratch
from simlab.models.calls import Call, Generate, ScoreChoices, perform
from simlab.models.engines import ModelSpec
from simlab.models.model import ChatMessage, Sampling, Usage, as_sampling
from simlab.models.served import ServedModel
from simlab.models.serving import RUNNING, App, shared_app
from simlab.seeding import derive
from simlab.sim.blocking import run_async
from simlab.sim.config import RunFile, checked
from simlab.sim.launch import prepare
from simlab.sim.run import Run
from simlab.trace.events import Effect, EffectCore
from simlab.trace.requests import RequestReader
from simlab.train.serving import served

HOSTS = 2


@dataclass(frozen=True, slots=True)
class Size:
    """What is played.

    Attributes:
        dialogues: How many.
        turns: So often the assistant speaks in each.
        slots: How many are live at once.
        mean_tokens: Of replies.
        sigma: Standard deviation of the logarithms of their lengths.
        engine: That computes the model.
    """

    dialogues: int
    turns: int
    slots: int
    mean_tokens: float
    sigma: float = SIGMA
    engine: Literal["transformers", "vllm"] = "transformers"


FULL = Size(dialogues=36, turns=3, slots=12, mean_tokens=80)
"""Replies are about as long as those about bookings before training in Williams et al. 2024, which
had 352 characters on average, as recomputed from their results."""

BARS = (Bar("to_lock_step", at_least=1.5),)

Turn = tuple[int, str, int]
"""A step of the world, a seat that is asked in it, and how manieth question that is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a run, and what it came to.

    Attributes:
        episode: Of the dialogue.
        turn: When it was made.
        call: What to ask for the same again.
        usage: What it cost.
    """

    episode: int
    turn: Turn
    call: Call
    usage: Usage


def measure() -> Figures:
    """Figures of both ways, and their ratio."""
    return fresh(compare, FULL)


def compare(size: Size, hosts: int = HOSTS) -> Figures:
    """Play dialogues at their own pace, and make their requests again in lock-step.

    Args:
        size: What is played.
        hosts: How many Ray hosts play it.

    Raises:
        RuntimeError: The two ways did not draw the same numbers of tokens.
    """
    with scratch() as folder:
        file = _file(size, endless_weights(folder / "weights"))
        progress(f"{size.dialogues} dialogues, {size.slots} live; the model starts")
        with served(file, hosts=hosts):
            progress("each at its own pace")
            with _engine_cost(file) as own:
                run = prepare(file, out=folder / "run", hosts=hosts).run()
        asked, own.wall_s = _asked(run), lasted_s(run)
        progress(f"{own.wall_s:.0f} s; the model starts again")
        with served(file, hosts=hosts):
            progress("in lock-step")
            with _engine_cost(file) as lock_step:
                again = run_async(_in_lock_step(asked, size.slots, _model(file)))
    _check(asked, again)
    return {
        **asdict(replace(size, sigma=round(size.sigma, 3))),
        "own_pace": _figures(size, asked, own),
        "lock_step": _figures(size, again, lock_step),
        "to_lock_step": round(lock_step.wall_s / own.wall_s, 3),
        "engine_cpu_to_lock_step": round(lock_step.cpu_s / own.cpu_s, 3),
    }


def _file(size: Size, weights: Path) -> RunFile:
    talker = {
        "agent": f"{Talker.__module__}:{Talker.__name__}",
        "sampling": {"temperature": 0.7},
        "mean_tokens": size.mean_tokens,
        "sigma": size.sigma,
    }
    model: dict[str, Any] = {
        "engine": size.engine,
        "weights": str(weights),
        "dtype": "bfloat16",
        "max_batch": size.slots,
    }
    if size.engine == "transformers":
        model["cache_tokens"] = 2048 * size.slots  # so that what is live is not forgotten
    return checked(
        {
            "name": "dialogue",
            "world": "simlab.env.dialogue:DialogueWorld",
            "options": {"path": "support", "max_turns": size.turns},
            "cast": {"assistant": talker, "character": talker, "preference": {"agent": "rating"}},
            "models": {"small": model},
            "episodes": size.dialogues,
            "concurrency": size.slots,
            "seed": 7,
        }
    )


def _model(file: RunFile) -> ServedModel:
    return ServedModel("small", shared_app(ModelSpec.model_validate(file.models["small"])))


@contextmanager
def _engine_cost(file: RunFile) -> Iterator[Cost]:
    """What the block costs: the time that passes, and the CPU time of the engine that is served."""
    replica = run_async(_process_of(_model(file)))
    processes = [replica, *descendants(replica)]
    cost = Cost()
    cpu_s, start = sum(map(cpu_s_of, processes)), time.perf_counter()
    yield cost
    cost.wall_s = time.perf_counter() - start
    cost.cpu_s = sum(map(cpu_s_of, processes)) - cpu_s


async def _process_of(model: ServedModel) -> int:
    from simlab.models.serve import RayServe

    [replica] = await RayServe().statistics(App(model.app, RUNNING, model.n_replicas))
    assert replica is not None, "it was started just now"
    return replica.pid


async def _in_lock_step(asked: Sequence[Asked], n_live: int, model: ServedModel) -> list[Asked]:
    """The requests made again."""
    again: list[Asked] = []
    for batch in batches(asked, n_live):
        again += await asyncio.gather(*(_ask(one, model) for one in batch))
    return again


def batches(asked: Sequence[Asked], n_live: int) -> list[list[Asked]]:
    """What is asked together in lock-step: one seat in one turn of the dialogues that are live.

    Args:
        asked: All requests.
        n_live: So many dialogues take their turns together, the next ones after their end.
    """
    together: dict[tuple[int, Turn], list[Asked]] = defaultdict(list)
    for one in asked:
        together[one.episode // n_live, one.turn].append(one)
    return [together[key] for key in sorted(together)]


async def _ask(one: Asked, model: ServedModel) -> Asked:
    answer: Any = await perform(model, one.call)
    return replace(one, usage=answer.usage)


def _asked(run: Run) -> list[Asked]:
    """All requests of a run, episode by episode."""
    return [asked for episode in run.log.episodes for asked in _asked_in(run, episode)]


def _asked_in(run: Run, episode: int) -> Iterator[Asked]:
    reader = RequestReader(run.log.whole)
    counts: dict[tuple[int, str], int] = defaultdict(int)
    for event in run.log.events(episode, (Effect,)):
        assert isinstance(event, Effect), "no others were asked for"
        core: EffectCore = run.log.core(event, EffectCore)
        request: Any = reader.read(core.actor, core.kind, event.request)
        result: Any = run.log.whole(core.result)
        seed = derive(7, episode, core.step, core.actor)
        call = _call(request, result, seed=seed, session=f"again/{episode}/{core.actor}")
        nth = counts[core.step, core.actor]
        counts[core.step, core.actor] += 1
        usage = Usage(**event.cost)  # type: ignore[arg-type] # as the log keeps numbers
        yield Asked(episode, (core.step, core.actor, nth), call, usage)


def _call(request: Any, result: Any, *, seed: int, session: str) -> Call:
    """A recorded request as a call; of a completion the prompt is the ids that were read."""
    sampling = {name: value for name, value in request["sampling"].items() if name != "_type"}
    if "choices" in sampling:
        prompt = [ChatMessage(role, text) for role, text in request["prompt"]]
        return ScoreChoices(prompt, tuple(sampling["choices"]))
    drawn: Sampling = as_sampling({**sampling, "seed": seed})
    return Generate(tuple(result["prompt_ids"]), drawn, session)


def _check(asked: Sequence[Asked], again: Sequence[Asked]) -> None:
    """See that both ways drew the same numbers of tokens, which are those that were asked for.

    Raises:
        RuntimeError: They did not, so that their times cannot be compared.
    """
    wanted = [one.call.sampling.max_tokens for one in asked if isinstance(one.call, Generate)]
    for way in (asked, again):
        drawn = [one.usage.completion_tokens for one in way if isinstance(one.call, Generate)]
        if sorted(drawn) != sorted(wanted):
            raise RuntimeError(
                f"replies must have {sum(wanted)} tokens, each as many as was drawn for it, got "
                f"{sum(drawn)}"
            )


def _figures(size: Size, asked: Sequence[Asked], cost: Cost) -> Figures:
    wall_s = cost.wall_s
    spent = sum((one.usage for one in asked), Usage())
    return {
        "played_s": round(wall_s, 1),
        "engine_cpu_s": round(cost.cpu_s, 1),
        "dialogues_per_hour": round(size.dialogues / wall_s * 3600),
        "tokens_per_s": round(spent.completion_tokens / wall_s, 1),
        "busy_share": round(spent.model_s / (size.slots * wall_s), 3),
        "n_requests": len(asked),
        "n_tokens": round(spent.completion_tokens),
        "n_read_tokens": round(spent.prompt_tokens - spent.cached_tokens),
        "cached_share": round(spent.cached_tokens / spent.prompt_tokens, 3),
    }


if __name__ == "__main__":
    report("dialogue", measure, bars=BARS)
