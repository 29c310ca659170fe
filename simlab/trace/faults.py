"""Faults: errors as data, and back."""

import builtins
import traceback
from types import TracebackType

import simlab.errors
from simlab.errors import EpisodeError, RecordedError
from simlab.stray import message_of
from simlab.trace.events import Fault
from simlab.trace.text import durable, utf8

_LONGEST_CHAIN = 16
"""Errors kept of a chain of causes."""


def fault_of(error: BaseException, *, boundary: str = "", frames: bool = True) -> Fault:
    """What the log keeps of an error: its class, message, call stack and causes.

    Args:
        error: Any exception.
        boundary: Where it arose; errors that know it themselves win.
        frames: False leaves out the call stack, as in what enters digests.
    """
    fault: Fault | None = None
    for link in reversed(_chain(error)):
        fault = Fault(
            type=utf8(type(link).__qualname__),
            message=durable(message_of(link)),
            boundary=link.boundary if isinstance(link, EpisodeError) else boundary,
            frames=_frames(link.__traceback__) if frames else [],
            cause=fault,
        )
    assert fault is not None
    return fault


def error_of(fault: Fault) -> Exception:
    """The error that a fault stands for.

    Only SimLab's own errors and Python's built-in ones are made anew, each with its message; any
    other class comes back as `RecordedError`, so that reading a log never runs code that it names.
    """
    for module in (simlab.errors, builtins):
        kind = getattr(module, fault.type, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                return kind(fault.message)
            except TypeError:  # a built-in that takes more, such as UnicodeDecodeError
                break
    return RecordedError(": ".join(filter(None, (fault.type, fault.message))))


def _chain(error: BaseException) -> list[BaseException]:
    """An error and its causes, outermost first; chains that close in on themselves are cut."""
    chain = [error]
    while len(chain) < _LONGEST_CHAIN:
        last = chain[-1]
        cause = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if cause is None or any(cause is link for link in chain):
            break
        chain.append(cause)
    return chain


def _frames(stack: TracebackType | None) -> list[tuple[str, str, int, str]]:
    return [
        (utf8(frame.filename), frame.name, frame.lineno or 0, utf8(frame.line or ""))
        for frame in traceback.extract_tb(stack)
    ]
