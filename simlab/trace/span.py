"""Spans: stretches of what an actor does in a step, and the instants noted in them.

A span is a deliberation, a try, a question to another agent. Spans nest; the one that is open in a
task or thread is where effects, notes and inner spans go. Outside a run all of this works as well
and is written nowhere.
"""

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal, Self

from simlab.seeding import derive
from simlab.trace.events import Noted, SpanClosed, SpanOpened
from simlab.trace.faults import fault_of
from simlab.trace.journal import Journal
from simlab.trace.text import utf8, word

SpanState = Literal["new", "open", "finished", "error"]


@dataclass(frozen=True, slots=True)
class Tag:
    """A word by which spans are found, with a colour for those who look."""

    name: str
    color: str | None = None

    def __post_init__(self) -> None:
        word("the name of a tag", self.name)
        if self.color is not None:
            word("the colour of a tag", self.color)


class Span:
    """A stretch of what an actor does in a step; ``with`` opens it and makes it the current one.

    A span is made by `span`, or by `child` if it is to be opened in another thread or process: then
    it is sent there while it is new. A span that was pickled has no `journal`; who gets it sets the
    one of the same episode there.

    Attributes:
        name: What it is, in words.
        kind: By which spans are grouped and filtered.
        tags: By which it is found.
        actor: Who.
        step: In which step of the episode.
        part: In which of the things that the actor does in the step.
        id: Follows from the parent's id and from how manieth child it is, so it is the same in
            every replay.
        parent: The id of the span around it, or of the part.
        state: new, open, finished or error.
        result: What came out; written when the span closes.
        journal: Of the episode; None outside a run.
    """

    __slots__ = (
        "_calls", "_children", "_inputs", "_notes", "_start", "_token", "_turn", "actor",
        "id", "journal", "kind", "name", "parent", "part", "result", "state", "step", "tags",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        kind: str = "span",
        inputs: Mapping[str, Any] | None = None,
        tags: Sequence[str | Tag] = (),
    ) -> None:
        self.name = word("the name of a span", name)
        self.kind = word("the kind of a span", kind)
        self.tags = _as_tags(tags)
        self.actor = self.part = ""
        self.step = self.id = self.parent = 0
        self.state: SpanState = "new"
        self.result: Any = None
        self.journal: Journal | None = None
        self._inputs = dict(inputs) if inputs else {}
        self._children = itertools.count()
        self._notes = itertools.count()
        self._calls: Counter[bytes] | None = None
        self._start = 0.0
        self._token: Token[Span | None] | None = None
        self._turn: Span | None = None

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What went in, by name."""
        return self._inputs

    @property
    def turn(self) -> "Span | None":
        """The root of what the actor does in the step; None where that is elsewhere."""
        return self._turn

    def add_inputs(self, **inputs: Any) -> None:
        """Say more of what went in, before or while the span is open.

        Raises:
            ValueError: A name was given before.
        """
        for name in inputs:
            if name in self._inputs:
                raise ValueError(f"span {self.name!r} has an input {name!r} already")
        self._inputs.update(inputs)
        if self.state == "open":
            self.note("inputs", inputs)

    def set_result(self, result: Any) -> None:
        """Say what came out; written when the span closes."""
        self.result = result

    def child(
        self,
        name: str,
        *,
        kind: str = "span",
        inputs: Mapping[str, Any] | None = None,
        tags: Sequence[str | Tag] = (),
    ) -> "Span":
        """A new span inside this one, wherever it is opened; see `span` for the arguments."""
        inner = Span(name, kind=kind, inputs=inputs, tags=tags)
        inner._hang(self)
        return inner

    def note(self, kind: str, data: Any = None, tags: Sequence[str | Tag] = ()) -> None:
        """Write an instant into this span; see `note`."""
        kind, tags = word("the kind of a note", kind), _as_tags(tags)
        nth, journal = next(self._notes), self.journal
        if journal is None or not journal.writes(self.step):
            return
        journal.append(
            Noted(
                self.actor,
                self.step,
                self.part,
                span_id(self.id, "note", nth),
                self.id,
                kind,
                journal.plain(data),
                _colours(tags),
                time.time(),
            )
        )

    def nth_call(self, digest: bytes) -> int:
        """How many calls with this digest were made in this span before; counts this one."""
        if self._calls is None:
            self._calls = Counter()
        self._calls[digest] += 1
        return self._calls[digest] - 1

    def open(self) -> None:
        """Begin, below the current span if it is no one's child yet; ``with`` calls it.

        Raises:
            RuntimeError: It was opened before.
        """
        if self.state != "new":
            raise RuntimeError(f"span {self.name!r} was opened before; make another")
        outer = current.get()
        if outer is not None and not self.id:
            self._hang(outer)
        self.state = "open"
        self._write_opening()
        self._start = time.perf_counter()

    def close(self, error: BaseException | None = None) -> None:
        """End, with a result or an error; ``with`` calls it.

        An error of the log is raised, but if `error` is given it becomes a note of that.
        """
        failed = error is not None and not isinstance(error, GeneratorExit)
        self.state = "error" if failed else "finished"
        try:
            self._write_closing(error if failed else None)
        except Exception as failure:
            if error is None:
                raise
            error.add_note(f"the end of span {self.name!r} was not recorded: {failure}")

    def __enter__(self) -> Self:
        self.open()
        self._token = current.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        assert self._token is not None
        try:
            current.reset(self._token)
        except ValueError:
            pass  # left in another context than it was entered in, where it never was current
        finally:
            self.close(error)

    def __getstate__(self) -> dict[str, Any]:
        kept = ("name", "kind", "tags", "actor", "step", "part", "id", "parent", "state", "result")
        return {"_inputs": self._inputs, **{name: getattr(self, name) for name in kept}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Span.__init__(self, state["name"])
        for name, value in state.items():
            setattr(self, name, value)

    def _hang(self, outer: "Span") -> None:
        """Become the next child of another span."""
        self.actor, self.step, self.part = outer.actor, outer.step, outer.part
        self.id = span_id(outer.id, next(outer._children))
        self.parent = outer.id
        self.journal, self._turn = outer.journal, outer.turn

    def _write_opening(self) -> None:
        journal = self.journal
        if journal is None or not journal.writes(self.step):
            return
        journal.append(
            SpanOpened(
                self.actor,
                self.step,
                self.part,
                self.id,
                self.parent,
                self.name,
                self.kind,
                journal.plain(self._inputs) if self._inputs else {},
                _colours(self.tags),
                time.time(),
            )
        )

    def _write_closing(self, error: BaseException | None) -> None:
        journal = self.journal
        if journal is None or not journal.writes(self.step):
            return
        duration = round(time.perf_counter() - self._start, 6)
        fault = None if error is None else fault_of(error)
        journal.append(SpanClosed(self.id, journal.plain(self.result), fault, duration))


span_id = lru_cache(maxsize=1 << 12)(derive)
"""The id of a span, from that of its parent and its place in it.

Episodes that are played side by side have the same ids in the same step.
"""


def _as_tags(tags: Sequence[str | Tag]) -> tuple[Tag, ...]:
    if isinstance(tags, str):
        raise TypeError(f"tags must be a list of texts, got the text {tags!r}")
    return tuple([tag if isinstance(tag, Tag) else Tag(tag) for tag in tags]) if tags else ()


def _colours(tags: Sequence[Tag]) -> list[tuple[str, str | None]]:
    """Tags as they stand in events."""
    return [(utf8(tag.name), tag.color and utf8(tag.color)) for tag in tags]


_NOWHERE = Span("outside of all spans")
"""Takes notes and writes them nowhere, but refuses those that no span takes."""

current: ContextVar[Span | None] = ContextVar("span", default=None)
"""The span that is open here; it travels with messages between actors."""


def current_span() -> Span | None:
    """The span that is open here, or None."""
    return current.get()


def span(
    name: str,
    *,
    kind: str = "span",
    inputs: Mapping[str, Any] | None = None,
    tags: Sequence[str | Tag] = (),
) -> Span:
    """A new span, to be opened by ``with``.

    An exception goes on unchanged and is written with its frames and causes.

    Args:
        name: What it is, in words.
        kind: By which spans are grouped and filtered.
        inputs: What goes in, by name.
        tags: Words by which it is found.
    """
    return Span(name, kind=kind, inputs=inputs, tags=tags)


def note(kind: str, data: Any = None, *, tags: Sequence[str | Tag] = ()) -> None:
    """Write an instant into the span that is open here: a picture, a thought, a warning.

    Raises:
        TypeError: The kind or a tag is no text.
    """
    (current.get() or _NOWHERE).note(kind, data, tags)


@contextmanager
def inside(outer: Span | None) -> Iterator[None]:
    """Within the block, spans and effects belong to `outer`: for callbacks and other threads."""
    token = current.set(outer)
    try:
        yield
    finally:
        current.reset(token)
