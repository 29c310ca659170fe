"""Dialogues: how many an hour, each at its own pace, beside all of them in lock-step.

One kind of deployment answers both, started anew so that the second finds nothing in its cache that
the first has read. `simlab run` plays the dialogues of ``support`` on two hosts, in which
an assistant and a character talk and the character rates each reply; lengths of replies are
log-normal. Then the requests of that run, with their prompts as token ids and their lengths, are
made again as the ancestors made theirs: the dialogues that are live take each turn together, seat
after seat, and wait for the slowest before they go on.

Slots are the requests that the engine computes at once: as many as dialogues are live.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figures, fresh
from benchmarks.replies import SIGMA, Talker, endless_weights
from benchmarks.report import Bar, progress, report
from benchmarks.runs import lasted_s, scratch
from simlab.models.calls import Call, Generate, ScoreChoices, perform
from simlab.models.engines import ModelSpec
from simlab.models.model import ChatMessage, Sampling, Usage, as_sampling
from simlab.models.served import ServedModel
from simlab.models.serving import shared_app
from simlab.seeding import derive
from simlab.sim.blocking import run_async
from simlab.sim.config import RunFile, checked
from simlab.sim.launch import prepare
from simlab.sim.run import Run
from simlab.trace.events import Effect, EffectCore
from simlab.trace.requests import RequestReader
from simlab.train.serving import served

SLOTS = 16
DIALOGUES = 3 * SLOTS
TURNS = 3
MEAN_TOKENS = 80
"""About as long as replies about bookings before training in Williams et al. 2024, which had 352
characters on average, as recomputed from their results."""

HOSTS = 2

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
    return fresh(_measure)


def _measure() -> Figures:
    with scratch() as folder:
        file = _file(endless_weights(folder / "weights"))
        progress(f"{DIALOGUES} dialogues of {TURNS} turns, {SLOTS} live; the model starts")
        with served(file, hosts=HOSTS):
            progress("each at its own pace")
            run = prepare(file, out=folder / "run", hosts=HOSTS).run()
        asked, own_s = _asked(run), lasted_s(run)
        progress(f"{own_s:.0f} s; the model starts again")
        with served(file, hosts=HOSTS):
            progress("in lock-step")
            again, lock_step_s = run_async(_in_lock_step(asked, _model(file)))
    _check(asked, again)
    return {
        "n_dialogues": DIALOGUES,
        "n_turns": TURNS,
        "n_slots": SLOTS,
        "mean_tokens": MEAN_TOKENS,
        "sigma": round(SIGMA, 3),
        "own_pace": _figures(asked, own_s),
        "lock_step": _figures(again, lock_step_s),
        "to_lock_step": round(lock_step_s / own_s, 3),
    }


def _file(weights: Path) -> RunFile:
    talker = {
        "agent": f"{Talker.__module__}:{Talker.__name__}",
        "sampling": {"temperature": 0.7},
        "mean_tokens": MEAN_TOKENS,
        "sigma": SIGMA,
    }
    model = {
        "engine": "transformers",
        "weights": str(weights),
        "dtype": "bfloat16",
        "max_batch": SLOTS,
        "cache_tokens": 1024 * SLOTS,  # so that nothing of a dialogue that is live is read twice
    }
    return checked(
        {
            "name": "dialogue",
            "world": "simlab.env.dialogue:DialogueWorld",
            "options": {"path": "support", "max_turns": TURNS},
            "cast": {"assistant": talker, "character": talker, "preference": {"agent": "rating"}},
            "models": {"small": model},
            "episodes": DIALOGUES,
            "concurrency": SLOTS,
            "seed": 7,
        }
    )


def _model(file: RunFile) -> ServedModel:
    return ServedModel("small", shared_app(ModelSpec.model_validate(file.models["small"])))


async def _in_lock_step(asked: Sequence[Asked], model: ServedModel) -> tuple[list[Asked], float]:
    """The requests made again, and the seconds that they took; no request waits for its answer."""
    again: list[Asked] = []
    start = time.perf_counter()
    for batch in _batches(asked):
        again += await asyncio.gather(*(_ask(one, model) for one in batch))
    return again, time.perf_counter() - start


def _batches(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    """What is asked together: of as many dialogues as are live, one seat of one turn."""
    batches: dict[tuple[int, Turn], list[Asked]] = defaultdict(list)
    for one in asked:
        batches[one.episode // SLOTS, one.turn].append(one)
    for key in sorted(batches):
        yield batches[key]


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


def _figures(asked: Sequence[Asked], wall_s: float) -> Figures:
    spent = sum((one.usage for one in asked), Usage())
    return {
        "played_s": round(wall_s, 1),
        "dialogues_per_hour": round(DIALOGUES / wall_s * 3600),
        "tokens_per_s": round(spent.completion_tokens / wall_s, 1),
        "busy_share": round(spent.model_s / (SLOTS * wall_s), 3),
        "n_requests": len(asked),
        "n_tokens": round(spent.completion_tokens),
        "cached_share": round(spent.cached_tokens / spent.prompt_tokens, 3),
    }


if __name__ == "__main__":
    report("dialogue", measure, bars=BARS)
