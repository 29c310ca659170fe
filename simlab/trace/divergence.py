"""Where a replay parts from its record, in words, with both sides."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import msgspec

from simlab.trace.contents import Reference
from simlab.trace.events import (
    EffectCore,
    Ended,
    Failed,
    Outcome,
    Started,
    StartedCore,
    Stepped,
    SteppedCore,
)
from simlab.trace.history import EffectKey, History, Kept, Milestone
from simlab.trace.plain import Plain, keep, plain, same
from simlab.trace.requests import RequestReader, RequestWriter

_CORES: dict[type, Any] = {
    Started: StartedCore,
    Stepped: SteppedCore,
    Ended: Outcome,
    Failed: Outcome,
}
_WIDEST = 600
"""Characters shown of each side."""

_ABSENT = msgspec.UNSET
_Whole = Callable[[Plain], Plain]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two plain values part first, and what stands there on each side."""

    where: str
    left: Plain
    right: Plain


def first_difference(left: Plain, right: Plain, where: str = "") -> Difference | None:
    """The first place in which two plain values differ, or None if they are the same."""
    if same(left, right):
        return None
    if isinstance(left, dict) and isinstance(right, dict):
        pairs = [
            (f"{where}.{name}".lstrip("."), left.get(name, _ABSENT), right.get(name, _ABSENT))
            for name in sorted({*left, *right})
        ]
    elif isinstance(left, list) and isinstance(right, list):
        both = zip_longest(left, right, fillvalue=_ABSENT)
        pairs = [(f"{where}[{n}]", one, other) for n, (one, other) in enumerate(both)]
    else:
        return Difference(where, left, right)
    inner = (first_difference(one, other, place) for place, one, other in pairs)
    return next(filter(None, inner))


def explain_record(
    episode: int, recorded: Milestone, replayed: Milestone, history: History, whole: _Whole
) -> str:
    """What the record says of a beginning, step or end, and what the replay says.

    Args:
        episode: Its number.
        recorded: Stands in the record.
        replayed: Came in its place.
        history: Of the episode.
        whole: Puts long contents of both sides in their place.
    """
    was, now = whole(_core(recorded)), whole(_core(replayed))
    head = f"episode {episode}, {_place(replayed)}: the replay parts from the record"
    different = first_difference(was, now)
    if type(recorded) is not type(replayed):
        return _sides(head, f"{_place(recorded)}: {_shown(was)}", f"{_place(replayed)}")
    if different is not None:
        return _sides(f"{head} in {different.where}", *_shown_both(different.left, different.right))
    calls = "\n".join(_calls(history.effects_before(recorded)))
    return (
        f"{head}: the same came of calls that are not those that were committed; one of these "
        f"results was changed\n{calls or '  none: calls are missing in the record'}\n"
        f"  recorded: digest {recorded.digest.hex()}\n"
        f"  replayed: digest {replayed.digest.hex()}"
    )


def explain_call(episode: int, key: EffectKey, kind: str, asked: Any, history: History) -> str:
    """A call that the record does not have, beside the one that it has in this place."""
    actor, step, _, digest, _ = key
    head = (
        f"episode {episode}, step {step}: the replay parts from the record: {actor!r} makes a call "
        f"of kind {kind!r} that it did not make then (digest {digest.hex()})"
    )
    replayed = _request_in_full(kind, asked)
    rival = history.rival(key)
    if rival is None:
        return _sides(head, "no other call of this actor in this step", _shown(replayed))
    recorded = _recorded_request(rival, history)
    different = first_difference(recorded, replayed)
    if rival.core.kind != kind or different is None:
        return _sides(head, f"{_call(rival.core)}: {_shown(recorded)}", _shown(replayed))
    head = f"{head}, different in {different.where}"
    return _sides(head, *_shown_both(different.left, different.right))


def explain_result(episode: int, kept: Kept, committed: Plain) -> str:
    """A recorded result that is not the one that was committed: its content was changed.

    Args:
        episode: Its number.
        kept: The effect, with the result as it is found now.
        committed: The result as it was committed, long contents by their hash.
    """
    different = first_difference(committed, plain(kept.core.result))
    head = (
        f"episode {episode}, step {kept.core.step}: the replay parts from the record: the result "
        f"of {_call(kept.core)} is not the one that was committed"
    )
    if different is None:
        return head
    return _sides(f"{head}, in {different.where}", _shown(different.left), _shown(different.right))


def _sides(head: str, recorded: str, replayed: str) -> str:
    return f"{head}\n  recorded: {recorded}\n  replayed: {replayed}"


def _calls(effects: list[Kept]) -> Iterator[str]:
    for kept in effects:
        outcome = kept.core.result if kept.core.error is None else kept.core.error.message
        yield f"  {_call(kept.core)} gave {_shown(outcome)}"


def _call(core: EffectCore) -> str:
    return f"a call of kind {core.kind!r} by {core.actor!r}"


def _place(event: Milestone) -> str:
    if isinstance(event, Stepped):
        return f"step {_core(event)['step']}"
    return {Started: "reset", Ended: "end", Failed: "failure"}[type(event)]


def _core(event: Milestone) -> dict[str, Any]:
    core = msgspec.msgpack.decode(event.core, type=_CORES[type(event)])
    return {name: plain(getattr(core, name)) for name in core.__struct_fields__}


def _recorded_request(kept: Kept, history: History) -> Plain:
    """The request of an effect, put together from those that its actor made before."""
    reader = RequestReader()
    request: Plain = None
    for each in history.calls_until(kept):
        written = msgspec.msgpack.encode(each.event.request)
        whole = msgspec.msgpack.decode(written, ext_hook=history.content)
        request = reader.read(kept.core.actor, each.core.kind, whole)
    return request


def _request_in_full(kind: str, asked: Any) -> Plain:
    """A request as `_recorded_request` gives it."""
    writer = RequestWriter(keep)
    return RequestReader().read("", kind, writer.write("", writer.prepare("", kind, asked)))


def _shown_both(left: Plain, right: Plain) -> tuple[str, str]:
    """Both sides; of long texts what stands around the first character that differs."""
    if not isinstance(left, str) or not isinstance(right, str):
        return _shown(left), _shown(right)
    n = min(len(left), len(right))
    first = next((at for at in range(n) if left[at] != right[at]), n)
    start = max(0, first - _WIDEST // 2) if max(len(left), len(right)) > _WIDEST else 0
    before = "… " if start else ""
    return before + _shown(left[start:]), before + _shown(right[start:])


def _shown(value: Plain) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json.dumps(value, default=_readable, ensure_ascii=False)
    return text if len(text) <= _WIDEST else text[:_WIDEST] + " …"


def _readable(value: Any) -> Any:
    if isinstance(value, Reference):
        return f"content {bytes(value.data).hex()}"
    return value.hex() if isinstance(value, bytes) else str(value)
