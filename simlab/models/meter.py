"""Meters: what the calls of embedders cost that are made inside a block.

An embedder answers with an array, which can tell no cost; so it charges the meter around it. That
holds also for one of a user's own that stands before another one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from simlab.models.model import Usage


class Meter:
    """Adds up what calls have cost.

    Attributes:
        usage: Of all calls so far.
    """

    __slots__ = ("usage",)

    def __init__(self) -> None:
        self.usage = Usage()


_around: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """A meter of what is charged while the block runs, in its task and in those begun there.

    A block inside it has a meter of its own, and what that counts the outer one does not.
    """
    meter = Meter()
    before = _around.set(meter)
    try:
        yield meter
    finally:
        _around.reset(before)


def charge(usage: Usage) -> None:
    """Let the meter around this code count what a call has cost; without one it is not counted.

    Example::

        async def embed(self, texts):
            answer = await self._ask(texts)
            charge(Usage(prompt_tokens=answer.n_tokens))
            return answer.vectors
    """
    meter = _around.get()
    if meter is not None:
        meter.usage += usage
