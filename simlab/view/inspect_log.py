"""A log of Inspect (inspect.aisi.org.uk): a run as an ``.eval`` file that its viewer opens.

An ``.eval`` is a zip of JSON: ``header.json`` for the whole, ``samples/ID_epoch_1.json`` for each
sample, ``summaries.json`` for the list. An episode is a sample; what was done and perceived are its
messages; judges' scores, returns and mean ratings its scores; steps are spans, and each model call
is a model event with its whole prompt. Messages of prompts stand once in a sample, in a pool that
events refer to, so that a file grows as the log does.

The format was taken from Inspect's own reader (inspect_ai 0.3, log version 2).
"""

import datetime
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

from simlab.seeding import derive
from simlab.trace.disk import replacing, written
from simlab.trace.json_text import as_json
from simlab.trace.tree import Node, calls_in_words, read_tree
from simlab.view.bounds import Json, cut, number, shown
from simlab.view.opened import OpenedRun
from simlab.view.turns import TURNS_AT_ONCE, read_turns

_VERSION: Final = 2
_LONGEST: Final = 1 << 18
"""Characters of one text."""

_NO_TOOLS: Final[dict[str, Json]] = {"tools": [], "tool_choice": "none"}
_ROLES: Final = ("system", "user", "assistant", "tool")
_STATUS: Final = {"finished": "success", "running": "started", "stopped": "cancelled"}


def write_inspect_log(run: OpenedRun, file: Path) -> str | None:
    """Write a run as a log of Inspect; one episode at a time is held in memory.

    Args:
        run: Which.
        file: Replaced if it is there, once the new one is whole.

    Returns:
        What was left out, in words; None, since nothing is.

    Raises:
        LogWriteError: The disk does not take it.
        RunDirectoryError: The run's record is not as SimLab writes it.
    """
    overview = run.overview()
    with written(file, remedy="make room for it, or choose another place by --out"):
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as raw, ZipFile(raw, "w", ZIP_DEFLATED) as archive:
            summaries = []
            with run.guarded("what was run"):
                head = {"version": _VERSION, "eval": _spec(run, overview), "plan": _plan()}
            archive.writestr("_journal/start.json", as_json(head))
            for row in run.rows():
                with run.guarded(f"episode {row['episode']}"):
                    sample = _Sample(run, row).told()
                archive.writestr(f"samples/{sample['id']}_epoch_1.json", as_json(sample))
                summaries.append(_summary(sample))
            archive.writestr("summaries.json", as_json(summaries))
            with run.guarded("what it came to"):
                results = _results(overview, summaries)
            archive.writestr("header.json", as_json({**head, **results}))
    return None


def _spec(run: OpenedRun, overview: Mapping[str, Json]) -> Json:
    """What was evaluated; names are made of what was run, so that they are the same each time."""
    name = str(overview["name"])
    models = list(overview["models"] or {})
    return {
        "eval_id": _id(name, "eval"),
        "run_id": _id(name, "run"),
        "created": str(overview["created"]),
        "task": name,
        "task_id": _id(name, "task"),
        "task_version": 0,
        "task_display_name": name,
        "task_attribs": {},
        "task_args": {"world": overview["world"]},
        "dataset": {
            "name": overview["world"],
            "samples": len(run.rows()),
            "sample_ids": [_sample_id(row) for row in run.rows()],
            "shuffled": False,
        },
        "model": f"simlab/{models[0]}" if len(models) == 1 else "simlab/models",
        "model_args": {},
        "config": {"epochs": 1},
        "packages": {"simlab": (overview["versions"] or {}).get("simlab", "")},
        "metadata": {"description": overview["description"], "config": overview["config"]},
    }


def _plan() -> Json:
    return {"name": "plan", "steps": [{"solver": "simlab", "params": {}}], "config": {}}


def _results(overview: Mapping[str, Json], summaries: Sequence[Json]) -> Json:
    """What the run came to: means over its episodes, and the tokens of its models."""
    returns = overview["mean_returns"] if any(overview["mean_returns"].values()) else {}
    means = {
        **overview["mean_scores"],
        **{f"return/{seat}": mean for seat, mean in returns.items()},
        **{f"rating/{seat}": mean for seat, mean in overview["mean_ratings"].items()},
    }
    scores = [
        {
            "name": name,
            "scorer": name,
            "params": {},
            "metrics": {"mean": {"name": "mean", "value": mean, "params": {}}},
        }
        for name, mean in means.items()
        if isinstance(mean, int | float)
    ]
    times = sorted(one["started_at"] for one in summaries)
    ends = sorted(one["completed_at"] for one in summaries)
    return {
        "status": _STATUS.get(overview["state"], "error"),
        "results": {
            "total_samples": len(summaries),
            "completed_samples": sum("error" not in one for one in summaries),
            "scores": scores,
        },
        "stats": {
            "started_at": times[0] if times else "",
            "completed_at": ends[-1] if ends else "",
            "model_usage": {
                account["name"]: _usage(account) for account in overview["accounts"]["model"]
            },
        },
    }


@dataclass(slots=True)
class _Sample:
    """An episode as a sample.

    Attributes:
        run: Of which run.
        row: What it came to.
        pool: Messages of prompts, each once.
    """

    run: OpenedRun
    row: Mapping[str, Json]
    pool: list[Json] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)
    _usage: dict[str, dict[str, float]] = field(default_factory=dict)

    def told(self) -> dict[str, Json]:
        """The sample's JSON."""
        row, episode = self.row, self.row["episode"]
        tree = read_tree(self.run.log, episode)
        messages = list(self._messages(episode))
        events = list(self._events(tree))
        times = [event["timestamp"] for event in events] or [_time(tree.wall_s)]
        told: dict[str, Json] = {
            "id": _sample_id(row),
            "epoch": 1,
            "input": next((m["content"] for m in messages), ""),
            "target": "",
            "messages": messages,
            "output": _output("simlab", messages[-1]["content"] if messages else "", "stop"),
            "scores": _scores(row),
            "metadata": {"start": row["start"], "ended": row["ended"], "n_steps": row["n_steps"]},
            "store": {},
            "events": events,
            "model_usage": {name: _usage(usage) for name, usage in self._usage.items()},
            "started_at": times[0],
            "completed_at": times[-1],
            "uuid": _id(str(episode), "sample"),
            "attachments": {},
            "events_data": {"messages": self.pool, "calls": []},
        }
        if row["failure"] is not None:
            told["error"] = {
                "message": row["failure"],
                "traceback": row["boundary"] or "",
                "traceback_ansi": row["failure"],
            }
        return told

    def _messages(self, episode: int) -> Iterator[Json]:
        """What was done and perceived, as a chat: the seats' words as assistant's, all else."""
        n_steps, start = self.row["n_steps"], 0
        while start <= n_steps:
            window = read_turns(self.run, episode, start, start + TURNS_AT_ONCE)
            for turn in window["turns"]:
                yield from _heard(turn["heard"], turn["step"])
                for act in turn["acts"]:
                    yield _said(f"{act['seat']}: {act['words']}", "assistant", turn["step"])
            if window["after"] is not None:
                yield from _heard(window["after"]["heard"], n_steps)
                return
            if window["to"] <= start:
                return
            start = window["to"]

    def _events(self, tree: Node) -> Iterator[dict[str, Json]]:
        """Spans for steps, and in them each model call."""
        for step in tree.children:
            nodes = [node for node in step.walk() if node.type == "effect" and node.kind == "model"]
            began = min((n.wall_s or 0.0) - (n.duration_s or 0.0) for n in nodes) if nodes else None
            name = _id(f"{tree.name}/{step.name}", "span")
            where = {
                "span_id": name,
                "timestamp": _time(began or step.wall_s),
                "working_start": 0.0,
            }
            begins = {"event": "span_begin", "id": name, "type": "step", "name": step.name}
            yield {"uuid": _id(name, "begin"), **where, **begins}
            for node in nodes:
                yield self._model_event(node, name)
            over = {**where, "timestamp": _time(step.wall_s or began)}
            yield {"uuid": _id(name, "end"), **over, "event": "span_end", "id": name}

    def _model_event(self, node: Node, span: str) -> dict[str, Json]:
        result = node.result if isinstance(node.result, dict) else {}
        model = cut(str(node.inputs.get("model", "")), 300)
        sampling = node.inputs.get("sampling")
        began = (node.wall_s or 0.0) - (node.duration_s or 0.0)
        output = _output(model, _answer(result), str(result.get("finish", "stop")))
        output["usage"] = _usage(node.cost)
        output["time"] = number(node.duration_s)
        spent = self._usage.setdefault(model, {})
        for name, n in node.cost.items():
            spent[name] = spent.get(name, 0.0) + n
        return {
            "uuid": _id(f"{span}/{node.id}", "model"),
            "span_id": span,
            "timestamp": _time(began),
            "working_start": 0.0,
            "event": "model",
            "model": model,
            "role": cut(node.actor, 200),
            "input": [],
            "input_refs": self._refs(node.inputs.get("prompt") or []),
            **_NO_TOOLS,
            "config": _config(sampling if isinstance(sampling, dict) else {}),
            "output": output,
            "completed": _time(node.wall_s),
            **({} if node.error is None else {"error": cut(node.error.message, _LONGEST)}),
        }

    def _refs(self, prompt: Sequence[Any]) -> list[list[int]]:
        """Where the messages of a prompt stand in the pool, as ranges."""
        refs: list[list[int]] = []
        for role, text in _chat(prompt):
            key = f"{role}\x00{text}"
            at = self._places.setdefault(key, len(self.pool))
            if at == len(self.pool):
                self.pool.append(_message(text, role, _id(f"{self.row['episode']}/{at}", "pool")))
            if refs and refs[-1][1] == at:
                refs[-1][1] = at + 1
            else:
                refs.append([at, at + 1])
        return refs


def _chat(prompt: Sequence[Any]) -> Iterator[tuple[str, str]]:
    if prompt and isinstance(prompt[0], int):
        yield "user", f"{len(prompt)} token ids"
        return
    for role, text, *calls in prompt:
        called = [line for each in calls for line in calls_in_words(each)]
        yield (role if role in _ROLES else "user"), cut("\n".join([text, *called]), _LONGEST)


def _message(text: str, role: str, name: str) -> dict[str, Json]:
    return {"id": name, "role": role, "content": text}


def _heard(heard: Sequence[Json], step: int) -> Iterator[Json]:
    for line in heard:
        if not line["echo"]:
            role = "system" if line["kind"] == "briefing" else "user"
            who = f"{line['by']}: " if line["by"] else ""
            to = f"[to {', '.join(line['to'])}] "
            yield _said(f"{to}{who}{line['text']}", role, step)


def _said(text: str, role: str, step: int) -> dict[str, Json]:
    return {
        **_message(text, role, _id(f"{step}/{role}/{text}", "said")),
        "metadata": {"step": step},
    }


def _answer(result: Mapping[str, Any]) -> str:
    """The words of a completion; of scored choices each with its log-probability."""
    if "text" in result:
        return cut(str(result["text"]), _LONGEST)
    return as_json(shown(dict(result), characters=1 << 14))


def _output(model: str, text: str, finish: str) -> dict[str, Json]:
    reason = {"length": "max_tokens", "abort": "unknown"}.get(finish, "stop")
    message = {"role": "assistant", "content": text, "source": "generate", "model": model}
    return {
        "model": model,
        "choices": [{"message": message, "stop_reason": reason}],
        "completion": text,
    }


def _config(sampling: Mapping[str, Any]) -> Json:
    """How the completion was drawn, in Inspect's words."""
    names = {"max_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p"}
    config = {name: number(sampling.get(own)) for own, name in names.items() if own in sampling}
    stop = sampling.get("stop")
    return {**config, **({"stop_seqs": shown(stop)} if isinstance(stop, list) and stop else {})}


def _usage(cost: Mapping[str, Any]) -> Json:
    read, drawn = (int(cost.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
    return {
        "input_tokens": read,
        "output_tokens": drawn,
        "total_tokens": read + drawn,
        "input_tokens_cache_read": int(cost.get("cached_tokens") or 0),
    }


def _scores(row: Mapping[str, Json]) -> dict[str, Json]:
    """Judges' scores, and returns and mean ratings beside them."""
    returns = row["returns"] if any(row["returns"].values()) else {}  # of dialogues: none
    values = {
        **row["scores"],
        **{f"return/{seat}": value for seat, value in returns.items()},
        **{f"rating/{seat}": value for seat, value in row["ratings"].items()},
    }
    return {name: {"value": value} for name, value in values.items() if value is not None}


def _summary(sample: Mapping[str, Json]) -> dict[str, Json]:
    names = (
        "id", "epoch", "input", "target", "metadata", "scores", "model_usage", "started_at",
        "completed_at", "uuid",
    )  # fmt: skip
    told = {name: sample[name] for name in names}
    error = {"error": sample["error"]["message"]} if "error" in sample else {}
    return {**told, **error, "completed": True, "message_count": len(sample["messages"])}


def _sample_id(row: Mapping[str, Json]) -> int:
    """Of an episode; Inspect counts from 1."""
    return int(row["episode"]) + 1


def _id(name: str, kind: str) -> str:
    """An identifier that follows from what it is of."""
    high, low = derive(0, "inspect", kind, name), derive(1, "inspect", kind, name)
    return uuid.UUID(int=(high << 64 | low) & ((1 << 128) - 1), version=4).hex[:22]


def _time(wall_s: float | None) -> str:
    """A time in Inspect's form."""
    seconds = min(max(wall_s or 0.0, 0.0), 4e9)
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()
