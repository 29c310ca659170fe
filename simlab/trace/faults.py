"""Faults: errors as data, and back."""

import builtins
import traceback

import simlab.errors
from simlab.errors import EpisodeError, SimlabError
from simlab.trace.events import Fault


class RecordedError(SimlabError):
    """An effect raised an error whose class a log cannot name; the message begins with its name."""


def fault_of(error: BaseException, *, boundary: str = "", frames: bool = True) -> Fault:
    """What the log keeps of an error: its class, message, call stack and cause.

    Args:
        error: Any exception.
        boundary: Where it arose; errors that know it themselves win.
        frames: False leaves out the call stack, as in what enters digests.
    """
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    stack = traceback.extract_tb(error.__traceback__) if frames else ()
    return Fault(
        type=type(error).__qualname__,
        message=str(error),
        boundary=error.boundary if isinstance(error, EpisodeError) else boundary,
        frames=[
            (frame.filename, frame.name, frame.lineno or 0, frame.line or "") for frame in stack
        ],
        cause=None if cause is None else fault_of(cause, boundary=boundary, frames=frames),
    )


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
    if fault.type == RecordedError.__qualname__:
        return RecordedError(fault.message)
    return RecordedError(f"{fault.type}: {fault.message}")
