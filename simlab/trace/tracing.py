"""Spans, effects and notes: how code inside a run reaches the run's log.

A span is a stretch of what an actor does in a step: a deliberation, a try, a question to another
agent. Spans nest; the one that is open in a task, thread or remote call is where effects, notes and
inner spans go. Outside a run all of this works as well and is written nowhere.
"""

import functools
import inspect
import itertools
import time
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar

from simlab.seeding import derive
from simlab.trace.events import Noted, SpanClosed, SpanOpened
from simlab.trace.faults import fault_of
from simlab.trace.journal import Journal

P = ParamSpec("P")
T = TypeVar("T")

SpanState = Literal["new", "open", "finished", "error"]


@dataclass(frozen=True, slots=True)
class Tag:
    """A word by which spans are found, with a colour for those who look."""

    name: str
    color: str | None = None


class Span:
    """A stretch of what an actor does in a step; `span` opens one.

    Attributes:
        actor: Who.
        step: In which step of the episode.
        id: Follows from the parent's id and from how manieth child it is, so it is the same in
            every replay.
        parent: The span around it, or 0.
        name: What it is, in words.
        state: new, open, finished or error.
    """

    __slots__ = ("_calls", "_children", "_inputs", "actor", "id", "journal", "name", "parent",
                 "result", "state", "step")  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        actor: str = "",
        step: int = 0,
        id: int = 0,
        parent: int = 0,
        journal: Journal | None = None,
    ) -> None:
        self.name = name
        self.actor = actor
        self.step = step
        self.id = id
        self.parent = parent
        self.journal = journal
        self.state: SpanState = "new"
        self.result: Any = None
        self._inputs: dict[str, Any] = {}
        self._children = itertools.count()
        self._calls: Counter[bytes] | None = None

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What went in, by name."""
        return self._inputs

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
            _note(self, "inputs", inputs, ())

    def set_result(self, result: Any) -> None:
        """Say what came out; written when the span closes."""
        self.result = result

    def child(self, name: str) -> "Span":
        """A new span inside this one."""
        return Span(
            name,
            actor=self.actor,
            step=self.step,
            id=derive(self.id, next(self._children)),
            parent=self.id,
            journal=self.journal,
        )

    def nth_call(self, digest: bytes) -> int:
        """How many calls with this digest were made in this span before; counts this one."""
        if self._calls is None:
            self._calls = Counter()
        self._calls[digest] += 1
        return self._calls[digest] - 1


_current: ContextVar[Span | None] = ContextVar("span", default=None)


def current_span() -> Span | None:
    """The span that is open here, or None."""
    return _current.get()


@contextmanager
def turn(journal: Journal | None, actor: str, step: int, part: str) -> Iterator[Span]:
    """The root of what an actor does in a step; it is written nowhere itself.

    Args:
        journal: The episode's.
        actor: Who.
        step: In which step.
        part: Which of the things that an actor does in a step, such as ``"act"``.
    """
    root = Span(part, actor=actor, step=step, id=root_id(actor, step, part), journal=journal)
    token = _current.set(root)
    try:
        yield root
    finally:
        _current.reset(token)


def root_id(actor: str, step: int, part: str) -> int:
    """The id under which the spans of an actor's part in a step hang."""
    return derive(step, actor, part)


@contextmanager
def inside(outer: Span | None) -> Iterator[None]:
    """Within the block, spans and effects belong to `outer`: for callbacks and other threads."""
    token = _current.set(outer)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def span(
    name: str,
    *,
    kind: str = "span",
    inputs: Mapping[str, Any] | None = None,
    tags: Sequence[str | Tag] = (),
) -> Iterator[Span]:
    """Open a span for the block.

    An exception goes on unchanged and is written with its frames and causes.

    Args:
        name: What it is, in words.
        kind: By which spans are grouped and filtered.
        inputs: What goes in, by name.
        tags: Words by which it is found.
    """
    outer = _current.get()
    opened = Span(name) if outer is None else outer.child(name)
    if inputs:
        opened.add_inputs(**inputs)
    _open(opened, kind, tags)
    token = _current.set(opened)
    start = time.perf_counter()
    try:
        yield opened
    except BaseException as error:
        opened.state = "error"
        _close(opened, start, error)
        raise
    else:
        opened.state = "finished"
        _close(opened, start, None)
    finally:
        _current.reset(token)


def note(kind: str, data: Any = None, *, tags: Sequence[str | Tag] = ()) -> None:
    """Write an instant into the span that is open here: a picture, a thought, a warning."""
    outer = _current.get()
    if outer is not None:
        _note(outer, kind, data, tags)


async def effect(
    kind: str, request: Any, call: Callable[[int], Awaitable[T] | T], *, returns: Any = Any
) -> T:
    """Do something whose outcome does not follow from seed and code, once in the life of a run.

    The outcome, be it a result or an error, is committed. A replay, a resumed run or a branch gets
    it from the record and makes no call.

    Args:
        kind: ``model``, ``human``, ``tool``, ``clock``, or a word of your own.
        request: What is asked; it identifies the call, with the span and how manieth it is.
        call: Makes the call, with a seed that follows from where in the run it stands. May be
            async or not.
        returns: The type to turn a recorded result into; by default plain data.

    Returns:
        What `call` returned, as the log gives it back: also in a live run tuples are lists, and
        dataclasses dicts, unless `returns` says what they are.

    Raises:
        ReplayDivergence: The record has another call in this place.
        RecordedError: `call` raised an error of a class that is neither SimLab's nor Python's.
    """
    here = _current.get()
    if here is None or here.journal is None:
        made = call(0)
        return await made if inspect.isawaitable(made) else made
    return await here.journal.effect(here, kind, request, call, returns)


def traced(
    name: str | None = None, *, kind: str = "call", tags: Sequence[str | Tag] = ()
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make every call of a function a span, with its arguments as inputs and what it returns.

    Works on functions, async functions, generators and async generators; of the latter two the
    span is open while they are, and its result is how many values they gave.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        traced_function: Callable[P, T] = _traced(function, name or function.__name__, kind, tags)
        return traced_function

    return decorate


def _traced(function: Any, name: str, kind: str, tags: Sequence[str | Tag]) -> Any:
    signature = inspect.signature(function)

    def opened(args: Any, kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs).arguments
        return span(name, kind=kind, inputs=bound, tags=tags)

    @functools.wraps(function)
    async def call_async(*args: Any, **kwargs: Any) -> Any:
        with opened(args, kwargs) as here:
            here.result = await function(*args, **kwargs)
            return here.result

    @functools.wraps(function)
    def generate(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with opened(args, kwargs) as here:
            here.result = 0
            for value in function(*args, **kwargs):
                here.result += 1
                yield value

    @functools.wraps(function)
    async def generate_async(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with opened(args, kwargs) as here:
            here.result = 0
            async for value in function(*args, **kwargs):
                here.result += 1
                yield value

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with opened(args, kwargs) as here:
            here.result = function(*args, **kwargs)
            return here.result

    if inspect.iscoroutinefunction(function):
        return call_async
    if inspect.isasyncgenfunction(function):
        return generate_async
    return generate if inspect.isgeneratorfunction(function) else call


def _open(opened: Span, kind: str, tags: Sequence[str | Tag]) -> None:
    opened.state = "open"
    journal = opened.journal
    if journal is not None and journal.live:
        journal.append(
            SpanOpened(
                actor=opened.actor,
                step=opened.step,
                id=opened.id,
                parent=opened.parent,
                name=opened.name,
                kind=kind,
                inputs={name: journal.plain(value) for name, value in opened.inputs.items()},
                tags=[journal.plain(tag) for tag in tags],
                wall_s=time.time(),
            )
        )


def _close(closed: Span, start: float, error: BaseException | None) -> None:
    journal = closed.journal
    if journal is not None and journal.live:
        duration = round(time.perf_counter() - start, 6)
        fault = None if error is None else fault_of(error)
        journal.append(SpanClosed(closed.id, journal.plain(closed.result), fault, duration))


def _note(outer: Span, kind: str, data: Any, tags: Sequence[str | Tag]) -> None:
    journal = outer.journal
    if journal is not None and journal.live:
        written = [journal.plain(tag) for tag in tags]
        journal.append(
            Noted(
                outer.actor, outer.step, outer.id, kind, journal.plain(data), written, time.time()
            )
        )
