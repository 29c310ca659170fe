"""What users' code raises: told from what stops it, and put into words.

An agent, judge, world or tool may raise anything: `sys.exit`, a cancellation of a task of its own
that it awaits, an exception below `Exception`. All of it is that code's failure, but for what
somebody else has asked for.
"""

import asyncio
from types import TracebackType

from simlab.errors import SimlabError


class Boundary:
    """A block around users' code: an error of its own becomes a failure that says whose it is.

        with Boundary("the world", WorldFailedError):
            timestep = world.step(actions)

    Args:
        what: Whose code it is, such as ``"the world"``.
        failure: What is raised in place of its errors, which are its causes.
        ours: Errors that are nobody's own, and pass as they are.
    """

    __slots__ = ("_failure", "_ours", "_what")

    def __init__(
        self,
        what: str,
        failure: type[SimlabError],
        ours: tuple[type[BaseException], ...] = (SimlabError,),
    ) -> None:
        self._what = what
        self._failure = failure
        self._ours = ours

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, self._ours) or is_stop(error):
            return
        raise self._failure(f"{self._what} raised {in_words(error)}") from error


def is_stop(error: BaseException) -> bool:
    """Whether an exception stops the code that it is raised in, rather than comes from there.

    That is Ctrl-C, and a cancellation that the current task was asked for: by a deadline, by who
    gave up waiting, or by the end of the event loop.

    Args:
        error: What was caught, in the task or thread in which the code runs.
    """
    if isinstance(error, asyncio.CancelledError):
        try:
            task = asyncio.current_task()
        except RuntimeError:  # a thread without an event loop, which nobody can cancel
            return False
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt)


def in_words(error: BaseException) -> str:
    """An exception's class and its message, if it has one."""
    return ": ".join(filter(None, (type(error).__name__, message_of(error))))


def first_line(error: BaseException) -> str:
    """What an exception says first; its class where it says nothing."""
    return (message_of(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def message_of(error: BaseException) -> str:
    """What an exception says, or that it cannot say it."""
    try:
        return str(error)
    except Exception as failure:
        return f"its message cannot be had: str() raised {type(failure).__name__}"
