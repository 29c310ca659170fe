"""Answers that an actor has promised: futures that `receive` returned."""

import asyncio
from collections.abc import Callable
from functools import partial

from simlab.actors.envelope import Envelope, Reply
from simlab.actors.ref import ActorRef
from simlab.errors import ActorError
from simlab.stray import in_words


class DeferredAnswers:
    """Brings each promised answer to whoever asked, once it is there.

    An asker who gives up cancels the future that was promised. Where nobody asked, an error is
    reported as that of any `tell`.

    Args:
        ref: The actor that promises.
        on_failure: Called with the address and an error that nobody waits for.
    """

    __slots__ = ("_on_failure", "_ref", "_waiting")

    def __init__(self, ref: ActorRef, on_failure: Callable[[ActorRef, Exception], None]) -> None:
        self._ref = ref
        self._on_failure = on_failure
        self._waiting: dict[Envelope, Reply] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, envelope: Envelope, answer: Reply) -> None:
        """Let an answer reach whoever sent `envelope`, when it is done."""
        self._waiting[envelope] = answer
        answer.add_done_callback(partial(self._deliver, envelope))
        if envelope.reply is not None:
            envelope.reply.add_done_callback(partial(_follow, answer))

    def refuse(self, error: Exception) -> None:
        """Let all who still wait fail, and cancel what was promised to them."""
        for envelope, answer in self._waiting.items():
            envelope.fail(error)
            answer.cancel()

    async def wait_until_delivered(self) -> None:
        """Wait until nothing is promised any more."""
        while self._waiting:
            await asyncio.wait(set(self._waiting.values()))

    def _deliver(self, envelope: Envelope, answer: Reply) -> None:
        del self._waiting[envelope]
        error = self._error_of(answer)
        if error is None:
            envelope.answer(answer.result())
        elif not envelope.fail(error) and not answer.cancelled():
            self._on_failure(self._ref, error)

    def _error_of(self, answer: Reply) -> Exception | None:
        if answer.cancelled():
            return ActorError(f"{str(self._ref)!r} has cancelled the answer that it had promised")
        error = answer.exception()
        return None if error is None else as_error(self._ref, error)


def as_error(ref: ActorRef, error: BaseException) -> Exception:
    """What an asker is told of something that an actor raised: never what would end its task."""
    if isinstance(error, Exception):
        return error
    told = ActorError(f"{str(ref)!r} raised {in_words(error)}")
    told.__cause__ = error
    return told


def _follow(answer: Reply, reply: Reply) -> None:
    """Cancel an answer for which nobody waits any more."""
    if reply.cancelled():
        answer.cancel()
