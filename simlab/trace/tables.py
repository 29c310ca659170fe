"""Tables and lines: a run for pandas and other programs, with all contents in place.

This is the one door to `pyarrow`, which is imported when tables are written.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

from simlab.trace.accounts import usage
from simlab.trace.disk import replacing
from simlab.trace.events import (
    Cancelled,
    Effect,
    EffectCore,
    Ended,
    Event,
    Failed,
    Outcome,
    Started,
    StartedCore,
    Stepped,
    SteppedCore,
)
from simlab.trace.json_text import as_json, utf8_json
from simlab.trace.log import Log
from simlab.trace.plain import Plain, plain
from simlab.trace.requests import RequestReader
from simlab.trace.trajectory import words
from simlab.trace.tree import Node, read_tree

Row = Mapping[str, Any]

_COLUMNS: dict[str, dict[str, str]] = {
    "episodes": {
        "episode": "int64", "state": "string", "n_steps": "int64", "seed": "int64",
        "returns": "string", "ended": "string", "scores": "string", "failure": "string",
        "boundary": "string", "calls": "int64", "prompt_tokens": "int64",
        "completion_tokens": "int64", "cached_tokens": "int64", "digest": "string",
        "wall_s": "float64", "duration_s": "float64",
    },
    "actions": {
        "episode": "int64", "step": "int64", "seat": "string", "action": "string",
        "words": "string", "reward": "float64", "now": "float64", "attempts": "int64",
        "invalid": "bool_", "reason": "string", "raw": "string", "late": "bool_",
        "edited": "bool_",
    },
    "effects": {
        "episode": "int64", "actor": "string", "step": "int64", "part": "string",
        "span": "int64", "kind": "string", "model": "string", "prompt": "string",
        "request": "string", "text": "string", "result": "string", "prompt_tokens": "int64",
        "completion_tokens": "int64", "wall_s": "float64", "duration_s": "float64",
        "error": "string",
    },
    "spans": {
        "episode": "int64", "actor": "string", "step": "int64", "part": "string", "id": "int64",
        "parent": "int64", "type": "string", "name": "string", "kind": "string",
        "state": "string", "tags": "string", "inputs": "string", "result": "string",
        "wall_s": "float64", "duration_s": "float64", "error": "string",
    },
}  # fmt: skip
"""Columns of each table with their Arrow types; those of values that vary hold JSON."""

_ROWS_AT_ONCE = 8192
"""Rows that are held until they are written: a row group."""

_CORES: dict[type[Event], Any] = {
    Started: StartedCore,
    Stepped: SteppedCore,
    Effect: EffectCore,
    Cancelled: EffectCore,
    Ended: Outcome,
    Failed: Outcome,
}


def write_tables(log: Log, folder: Path) -> None:
    """Write ``episodes``, ``actions``, ``effects`` and ``spans`` as Parquet files.

    One row is an episode; what a seat did in a step; a call; a span or a note. Times ending in
    ``_s`` are seconds, ``now`` is world time, and prompts, requests, results, actions, inputs and
    tags are JSON.

    Args:
        log: The run's.
        folder: Made if it is not there; tables in it are replaced, each at once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:
        tables = {
            name: files.enter_context(_table(folder / f"{name}.parquet", columns))
            for name, columns in _COLUMNS.items()
        }
        for episode in log.episodes:
            tree = read_tree(log, episode)
            tables["episodes"].add(_episode_row(log, episode, tree))
            for row in _action_rows(episode, tree):
                tables["actions"].add(row)
            for node, part in _below_parts(tree):
                name = "effects" if node.type == "effect" else "spans"
                row = _effect_row(node) if node.type == "effect" else _span_row(node)
                tables[name].add({"episode": episode, "part": part.kind, **row})


def write_jsonl(log: Log, file: Path) -> None:
    """Write all events, one JSON object a line, episode after episode in the order of the record.

    Each has its ``type``, its ``episode`` and all its fields; what it refers to is in place, and
    prompts are whole.

    Args:
        log: The run's.
        file: Replaced if it is there; its folder is made if it is not.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as lines:
        for episode in log.episodes:
            requests = RequestReader(log.whole)
            for event in log.events(episode):
                fields = dict(_fields(log, requests, event))
                line = as_json({"type": type(event).__name__, "episode": episode, **fields})
                lines.write(f"{line}\n".encode())


@contextmanager
def _table(path: Path, columns: Mapping[str, str]) -> Iterator["_Table"]:
    """A table that is there once the block has put all its rows into it."""
    with replacing(path) as file, _Table(file, columns) as table:
        yield table


class _Table:
    """A Parquet file that is written row by row."""

    def __init__(self, file: BinaryIO, columns: Mapping[str, str]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Put a row behind all others; columns that it does not have are null."""
        self._rows.append(row)
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_pylist(self._rows, self._schema))
        self._rows.clear()


def _episode_row(log: Log, episode: int, tree: Node) -> Row:
    end = log.end(episode)
    outcome = tree.result or {}
    spent = usage([] if end is None else end.accounts)
    state = {"open": "unfinished", "finished": "ended", "error": "failed"}[tree.state]
    return {
        "episode": episode,
        "state": state,
        "n_steps": log.n_steps(episode),
        "seed": tree.inputs.get("seed"),
        **{name: as_json(outcome.get(name, {})) for name in ("returns", "ended", "scores")},
        "failure": _error_text(tree),
        "boundary": None if tree.error is None else tree.error.boundary,
        "calls": spent["calls"],
        "prompt_tokens": spent["prompt_tokens"],
        "completion_tokens": spent["completion_tokens"],
        "cached_tokens": spent["cached_tokens"],
        "digest": None if end is None else end.digest.hex(),
        "wall_s": tree.wall_s,
        "duration_s": None if end is None or tree.wall_s is None else end.wall_s - tree.wall_s,
    }


def _action_rows(episode: int, tree: Node) -> Iterator[Row]:
    for step in tree.children:
        if step.result is None:
            continue
        rewards = step.result["timestep"].get("rewards", {})
        for acted in step.result["acted"]:
            yield {
                "episode": episode,
                "step": step.step,
                "seat": acted["seat"],
                "action": as_json(acted["action"]),
                "words": utf8_json(words(acted["action"])),
                "reward": float(rewards.get(acted["seat"], 0.0)),
                "now": step.result["now"],
                "attempts": acted["attempts"],
                "invalid": acted["invalid"] is not None,
                "reason": acted["invalid"],
                "raw": acted["raw"],
                "late": acted["late"],
                "edited": acted["edited"],
            }


def _below_parts(tree: Node) -> Iterator[tuple[Node, Node]]:
    """All that is below the parts of a tree, each with its part."""
    for step in tree.children:
        for part in step.children:
            for node in part.walk():
                if node is not part:
                    yield node, part


def _effect_row(node: Node) -> Row:
    result = node.result if isinstance(node.result, dict) else {}
    text = result.get("text")
    usage = result.get("usage") or {}
    return {
        "actor": node.actor,
        "step": node.step,
        "span": node.parent,
        "kind": node.kind,
        "model": node.inputs.get("model"),
        "prompt": as_json(node.inputs["prompt"]) if "prompt" in node.inputs else None,
        "request": as_json(node.inputs.get("request", node.inputs.get("sampling"))),
        "text": utf8_json(text) if isinstance(text, str) else None,
        "result": as_json(node.result),
        "prompt_tokens": usage.get("prompt_tokens"),
        "completion_tokens": usage.get("completion_tokens"),
        "wall_s": node.wall_s,
        "duration_s": node.duration_s,
        "error": _error_text(node),
    }


def _span_row(node: Node) -> Row:
    return {
        "actor": node.actor,
        "step": node.step,
        "id": node.id,
        "parent": node.parent,
        "type": node.type,
        "name": node.name,
        "kind": node.kind,
        "state": node.state,
        "tags": as_json([[tag.name, tag.color] for tag in node.tags]),
        "inputs": as_json(node.inputs),
        "result": as_json(node.result),
        "wall_s": node.wall_s,
        "duration_s": node.duration_s,
        "error": _error_text(node),
    }


def _error_text(node: Node) -> str | None:
    return None if node.error is None else f"{node.error.type}: {node.error.message}"


def _fields(log: Log, requests: RequestReader, event: Event) -> Iterator[tuple[str, Plain]]:
    """The fields of an event, those of its core first, everything in its place."""
    kind = _CORES.get(type(event))
    core = None if kind is None else log.core(event, kind)
    if core is not None:
        for name in core.__struct_fields__:
            digest = name == "request" and isinstance(core, EffectCore)
            value = getattr(core, name)
            yield ("request_digest", value.hex()) if digest else (name, plain(value))
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if name == "digest":
            yield name, value.hex()
        elif name == "request" and isinstance(core, EffectCore):
            yield name, requests.read(core.actor, core.kind, value)
        elif name != "core":
            yield name, plain(log.whole(value))
