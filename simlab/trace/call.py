"""Calls: effects on their way, from where they are made until something comes of them."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from simlab.trace.events import EffectCore, Fault, encode
from simlab.trace.history import EffectKey
from simlab.trace.plain import Plain
from simlab.trace.requests import Request


class Caller(Protocol):
    """Where a call is made: a span."""

    @property
    def actor(self) -> str:
        """Who calls."""
        ...

    @property
    def step(self) -> int:
        """In which step."""
        ...

    @property
    def part(self) -> str:
        """In which of the things that the actor does in the step."""
        ...

    @property
    def id(self) -> int:
        """Of the span."""
        ...

    def nth_call(self, digest: bytes) -> int:
        """How many calls with this digest were made in the span before; counts this one."""
        ...


ACT = "act"
"""How the parts of a step are called in which an actor acts; more words may follow."""

_OF_MODELS = ("model", "embedding")
"""Kinds of effects that are put down to the account of the model that their request names."""


def model_of(kind: str, request: Any) -> str | None:
    """The model that an effect asks; None for other kinds, also for a user's own of such a name."""
    model = getattr(request, "model", None) if kind in _OF_MODELS else None
    return model if isinstance(model, str) else None


@dataclass(slots=True, eq=False)
class Call:
    """A call that is under way, or about to be.

    Attributes:
        key: Of the effect.
        kind: Of the effect.
        part: In which of the things that the actor does in the step.
        request: What is asked.
        task: In which it is awaited.
        model: Which is asked, a language model or an embedder; None for other kinds.
        cost: What it has cost, once that is known.
        cut: Whether it was cut off before anything came of it, which is recorded.
        start: When it was made, on the performance counter.
    """

    key: EffectKey
    kind: str
    part: str
    request: Request
    task: asyncio.Task[Any] | None
    model: str | None = None
    cost: dict[str, float] = field(default_factory=dict)
    cut: bool = False
    start: float = field(default_factory=time.perf_counter)

    def is_of(self, turn: Caller) -> bool:
        """Whether it was made in a turn."""
        return (*self.key[:2], self.part) == (turn.actor, turn.step, turn.part)

    def take_cost(self, outcome: Any) -> None:
        """Look up what it has cost, in its result or its error; known of models alone."""
        if self.model is not None and hasattr(outcome, "__cost__"):
            self.cost = outcome.__cost__()

    @property
    def is_in_act(self) -> bool:
        """Whether it was made in an act, and not as something is perceived."""
        return self.part.startswith(ACT)

    def cancel(self) -> None:
        """Cancel the task that awaits it: at once, or soon if it is another thread's."""
        if self.task is None or self.task.get_loop().is_closed():
            return
        if self.task.get_loop() is _running_loop():
            self.task.cancel()  # soon would be too late for a task that is about to go on
        else:
            self.task.get_loop().call_soon_threadsafe(self.task.cancel)

    def core(self, result: Plain, error: Fault | None) -> bytes:
        """What of it enters the digest."""
        actor, step, span, request, nth = self.key
        return encode(EffectCore(actor, step, span, self.kind, request, nth, result, error))

    def __str__(self) -> str:
        actor, step = self.key[:2]
        age_s = time.perf_counter() - self.start
        return f"{actor} in step {step}: for a call of kind {self.kind!r}, {age_s:.1f} s"


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
