"""Steps: the tree of one turn, down to each model call with its prompt in parts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simlab.errors import NotFoundError
from simlab.trace.events import (
    Cancelled,
    Effect,
    EffectCore,
    Fault,
    Started,
    StartedCore,
    Stepped,
    SteppedCore,
)
from simlab.trace.requests import RequestReader
from simlab.trace.tree import Node, read_step
from simlab.view.bounds import Json, Pictures, cut, number, shown
from simlab.view.opened import OpenedRun
from simlab.view.origins import Sources, parts_of

MAX_MESSAGES = 64
"""Of a prompt that are shown: the first few and the last."""

_FIRST_MESSAGES = 4
_MAX_NODES = 2_000
_MAX_TOKENS = 2_048
_READERS = 8
_FAR = 64
"""In how many later steps the records of one are looked for, where calls go on over steps."""


@dataclass(slots=True)
class _Read:
    """A reader that has read the requests of an episode up to a place."""

    place: int
    reader: RequestReader


class Steps:
    """Reads trees of single steps of a run.

    A prompt is recorded as what is new since the one before, so that of a step needs the requests
    of those before; how far they were read is kept for the next.

    Args:
        run: Which.
    """

    def __init__(self, run: OpenedRun) -> None:
        self._run = run
        self._read: dict[int, _Read] = {}

    def read(self, episode: int, step: int) -> Json:
        """The tree of a step; that behind the last has what judges did after the end.

        Returns:
            ``{"episode", "step", "n_steps", "asked", "tree"}``: `asked` is what each seat was
            asked; nodes have ``type, name, id, actor, kind, state, tags, inputs, result, error,
            wall_s, duration_s, cost, children``, and of model calls ``call``: the prompt by
            messages and parts, and the completion with its tokens.

        Raises:
            NotFoundError: There is no such episode or step.
            RunDirectoryError: Its record is not as SimLab writes it.
        """
        self._run.require_episode(episode)
        n_steps = self._run.log.n_steps(episode)
        if not 0 <= step <= n_steps:
            raise NotFoundError(f"step of episode {episode} must be in 0..{n_steps}, got {step!r}")
        with self._run.guarded(f"step {step} of episode {episode}"):
            before = self._before(episode, step)
            overlap = _FAR if self._run.record.on_real_clock else 1
            reader = self._reader(episode, step).copy()
            tree = read_step(self._run.log, episode, step, reader, overlap=overlap)
            pictures = Pictures()
            told = _Telling(self, self._began(episode), before, pictures).told(tree)
            return {
                "episode": episode,
                "step": step,
                "n_steps": n_steps,
                "asked": shown(before.get("requests", {}), characters=1 << 17, pictures=pictures),
                "tree": told,
            }

    def sources(self, actor: str, began: Mapping[str, Any], timestep: Mapping[str, Any]) -> Sources:
        """What the prompts of an actor may be made of at a step.

        Args:
            actor: Who asks a model.
            began: What the world said after the reset; who is briefed mostly is so there.
            timestep: What it said before the step.
        """
        record = self._run.record
        if actor.startswith("judge:"):
            judges = record.run.get("judges")
            spec = judges.get(actor[6:]) if isinstance(judges, dict) else None
            return Sources.of(spec if isinstance(spec, dict) else {}, (), None)
        observations = timestep.get("observations", {}).get(actor, [])
        request = timestep.get("requests", {}).get(actor)
        first = Sources.of({}, began.get("observations", {}).get(actor, []), None)
        return Sources.of(record.spec_of(actor), observations, request, first.briefings)

    def _before(self, episode: int, step: int) -> Mapping[str, Any]:
        """What the world had said before a step."""
        if step == 0:
            return self._began(episode)
        log = self._run.log
        place = int(log.places(episode, (Stepped,))[step - 1])
        event = next(log.events(episode, (Stepped,), start=place, stop=place + 1))
        return _mapping(log.core(event, SteppedCore).timestep)

    def _began(self, episode: int) -> Mapping[str, Any]:
        """What the world said after the reset."""
        for event in self._run.log.events(episode, (Started,), stop=1):
            return _mapping(self._run.log.core(event, StartedCore).timestep)
        return {}

    def _reader(self, episode: int, step: int) -> RequestReader:
        """A reader of requests that has read all before a step."""
        log = self._run.log
        steps = log.places(episode, (Stepped,))
        stop = int(steps[step - 1]) + 1 if step else 0
        read = self._read.pop(episode, None)
        if read is None or read.place > stop:
            read = _Read(0, RequestReader(log.whole))
        for event in log.events(episode, (Effect, Cancelled), start=read.place, stop=stop):
            core: EffectCore = log.core(event, EffectCore)
            assert isinstance(event, Effect)
            read.reader.read(core.actor, core.kind, event.request)
        read.place = stop
        self._read[episode] = read
        if len(self._read) > _READERS:
            del self._read[next(iter(self._read))]
        return read.reader


class _Telling:
    """Tells a tree as JSON, no more of it than a person reads."""

    def __init__(
        self,
        steps: Steps,
        began: Mapping[str, Any],
        timestep: Mapping[str, Any],
        pictures: Pictures,
    ) -> None:
        self._steps = steps
        self._began = began
        self._timestep = timestep
        self._pictures = pictures
        self._left = _MAX_NODES

    def told(self, root: Node) -> Json:
        """A node and all below it; trees may be deeper than Python calls."""
        top = self._node(root)
        ahead = [(root, top)]
        while ahead:
            node, told = ahead.pop()
            for child in node.children:
                if self._left <= 0:
                    told["cut"] = f"{len(node.children) - len(told['children'])} more"
                    break
                told["children"].append(self._node(child))
                ahead.append((child, told["children"][-1]))
        return top

    def _node(self, node: Node) -> dict[str, Json]:
        self._left -= 1
        told: dict[str, Json] = {
            "type": node.type,
            "name": cut(node.name, 300),
            "id": str(node.id),
            "actor": cut(node.actor, 200),
            "kind": cut(node.kind, 200),
            "state": node.state,
            "tags": [
                {"name": cut(tag.name, 100), "color": tag.color and cut(tag.color, 40)}
                for tag in node.tags[:32]
            ],
            "error": _fault(node.error),
            "wall_s": number(node.wall_s),
            "duration_s": number(node.duration_s),
            "cost": {cut(name, 40): number(value) for name, value in node.cost.items()},
            "children": [],
        }
        if node.type == "effect" and node.kind == "model" and "prompt" in node.inputs:
            return {**told, "call": self._call(node)}
        if node.type == "step":
            return told
        return {
            **told,
            "inputs": shown(node.inputs, characters=1 << 16, pictures=self._pictures),
            "result": shown(node.result, characters=1 << 16, pictures=self._pictures),
        }

    def _call(self, node: Node) -> Json:
        prompt, result = node.inputs["prompt"], _mapping(node.result)
        is_ids = bool(prompt) and isinstance(prompt[0], int)
        messages = [] if is_ids else self._messages(node.actor, prompt)
        n_cut = max(0, len(messages) - MAX_MESSAGES)
        if n_cut:
            messages[_FIRST_MESSAGES : _FIRST_MESSAGES + n_cut] = [{"cut": f"{n_cut} messages"}]
        return {
            "model": shown(node.inputs.get("model"), longest=300),
            "sampling": shown(node.inputs.get("sampling"), characters=1 << 14),
            "messages": messages,
            "ids": shown(prompt, characters=1 << 14) if is_ids else None,
            "completion": _completion(result),
        }

    def _messages(self, actor: str, prompt: Sequence[Any]) -> list[Json]:
        sources = self._steps.sources(actor, self._began, self._timestep)
        return [
            {"role": cut(role, 40), "parts": [{"origin": o, "text": cut(t)} for o, t in parts]}
            for role, parts in parts_of(prompt, sources)
        ]


def _completion(result: Mapping[str, Any]) -> Json:
    """What a model answered: words with the probabilities of their tokens, or of choices."""
    if "text" not in result:
        choices = [
            {"choice": cut(str(choice), 300), "p": _probability(logprob)}
            for choice, logprob in list(result.items())[:256]
            if isinstance(logprob, int | float)
        ]
        return {"choices": choices}
    ids, logprobs = result.get("token_ids") or [], result.get("logprobs") or []
    tokens = [
        {"id": number(ids[n]) if n < len(ids) else None, "p": _probability(logprob)}
        for n, logprob in enumerate(logprobs[:_MAX_TOKENS])
    ]
    others = {name: part for name, part in result.items() if name not in _OWN}
    return {
        "text": cut(result["text"]),
        "tokens": tokens,
        "n_tokens": len(ids) or len(logprobs),
        **shown(others, characters=1 << 14),
    }


_OWN = ("text", "tokens", "n_tokens", "token_ids", "logprobs", "prompt_ids")


def _probability(logprob: Any) -> float:
    value = float(logprob)
    return round(math.exp(min(0.0, value)), 6) if not math.isnan(value) else 0.0


def _fault(fault: Fault | None) -> Json:
    """An error with its frames and causes, as deep as people read."""
    told: list[dict[str, Json]] = []
    while fault is not None and len(told) < 16:
        frames = [
            {"file": cut(f, 300), "function": cut(n, 200), "line": line, "source": cut(s, 500)}
            for f, n, line, s in fault.frames[-32:]
        ]
        told.append(
            {
                "type": cut(fault.type, 200),
                "message": cut(fault.message, 4000),
                "boundary": cut(fault.boundary, 100),
                "frames": frames,
            }
        )
        fault = fault.cause
    return told or None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
