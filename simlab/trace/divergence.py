"""Where a replay parts from its record, in words, with both sides."""

import json
from typing import Any

import msgspec

from simlab.trace.events import (
    Ended,
    Failed,
    Outcome,
    Started,
    StartedCore,
    Stepped,
    SteppedCore,
)
from simlab.trace.history import EffectKey, History
from simlab.trace.plain import Plain, plain

_CORES: dict[type, Any] = {
    Started: StartedCore,
    Stepped: SteppedCore,
    Ended: Outcome,
    Failed: Outcome,
}
_WIDEST = 600
"""Characters shown of each side."""


def explain_record(
    episode: int, recorded: Started | Stepped | Ended, replayed: Started | Stepped | Ended
) -> str:
    """What the record says of a beginning, step or end, and what the replay says."""
    was, now = _core(recorded), _core(replayed)
    where = f"episode {episode}, {_place(replayed)}"
    if type(recorded) is type(replayed) and bytes(recorded.core) == bytes(replayed.core):
        return (
            f"{where}: the replay parts from the record: the same came out of other effects\n"
            f"  recorded: digest {recorded.digest.hex()} of {_shown(was)}\n"
            f"  replayed: digest {replayed.digest.hex()}; a recorded effect since the step before "
            "was changed"
        )
    return (
        f"{where}: the replay parts from the record\n"
        f"  recorded: {_place(recorded)}: {_shown(_different(was, now))}\n"
        f"  replayed: {_place(replayed)}: {_shown(_different(now, was))}"
    )


def explain_call(episode: int, key: EffectKey, kind: str, request: Any, history: History) -> str:
    """A call that the record does not have, beside those that it has in this place."""
    actor, step, _, digest, _ = key
    rivals = [
        f"  recorded: a call of kind {kept.core.kind!r}: {_shown(kept.event.request)}"
        for kept in history.rivals(key)
    ]
    return "\n".join(
        [
            f"episode {episode}, step {step}: the replay parts from the record: "
            f"{actor!r} makes a call that it did not make then (digest {digest.hex()})",
            *(rivals or ["  recorded: no call of this actor in this step"]),
            f"  replayed: a call of kind {kind!r}: {_shown(plain(request))}",
        ]
    )


def _place(event: Started | Stepped | Ended) -> str:
    if isinstance(event, Stepped):
        return f"step {_core(event)['step']}"
    return {Started: "reset", Ended: "end", Failed: "failure"}[type(event)]


def _core(event: Started | Stepped | Ended) -> dict[str, Any]:
    core = msgspec.msgpack.decode(event.core, type=_CORES[type(event)], strict=False)
    return {name: getattr(core, name) for name in core.__struct_fields__}


def _different(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The fields of one side that are not the same on the other."""
    return {name: value for name, value in one.items() if other.get(name) != value} or one


def _shown(value: Plain) -> str:
    text = json.dumps(value, default=_readable, ensure_ascii=False)
    return text if len(text) <= _WIDEST else text[:_WIDEST] + " …"


def _readable(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=str)
    if isinstance(value, msgspec.msgpack.Ext):
        return f"content {bytes(value.data).hex()}"
    return str(value)
