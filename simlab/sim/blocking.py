"""Waiting for coroutines in code that is not async: scripts, notebooks, commands."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

from simlab.errors import StrayExitError


def run_async(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end, in a thread of its own if this one has an event loop already.

    Ctrl-C cancels it. A second one, while it still cleans up, kills the process of a script or a
    command, and leaves a notebook's alone.

    Raises:
        StrayExitError: Users' code called `sys.exit` where nobody awaits it, as in a task.
    """
    try:
        if _has_event_loop():
            return _run_in_thread(work)
        with _ctrl_c_left_as_it_is():
            return asyncio.run(_interruptible(work))
    except SystemExit as error:
        if error.code == signal.SIGTERM:  # Ray's answer to that signal
            raise
        raise StrayExitError(
            f"an agent, a judge, the world or a model called sys.exit({error.code!r}) in a task of "
            "its own, which ends the process; let it raise an error instead"
        ) from error


def _run_in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    outcome: Future[Any] = Future()
    cancels: list[Callable[[], object]] = []
    interrupted = False

    async def cancellable() -> Any:
        task = asyncio.current_task()
        assert task is not None
        cancels.append(partial(task.get_loop().call_soon_threadsafe, task.cancel))
        if interrupted:
            work.close()
            raise asyncio.CancelledError
        return await work

    def work_there() -> None:
        try:
            outcome.set_result(asyncio.run(cancellable()))
        except BaseException as error:
            outcome.set_exception(error)

    def cancel_once(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            for cancel in cancels:
                with suppress(RuntimeError):  # its event loop has closed: the work is over
                    cancel()

    thread = threading.Thread(target=work_there, name="simlab-run")
    with _ctrl_c_handled_by(cancel_once):  # an exception here could leave a thread behind
        thread.start()
        thread.join()
    if interrupted:
        raise KeyboardInterrupt
    return outcome.result()


async def _interruptible(work: Coroutine[Any, Any, Any]) -> Any:
    """Await something; asyncio handles a first Ctrl-C, and the system the next one."""
    cancel = signal.getsignal(signal.SIGINT)

    def cancel_once(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        assert callable(cancel), "else this is not called"
        cancel(number, frame)

    with _ctrl_c_handled_by(cancel_once):
        return await work


@contextmanager
def _ctrl_c_handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within the block, if this thread may say so and Ctrl-C was not to be ignored."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _ctrl_c_left_as_it_is() -> Iterator[None]:
    """After the block Ctrl-C does what it did before.

    asyncio sees to that by itself, but where `sys.exit` breaks out of its event loop: then the
    handler of the loop that is gone would stay, and swallow the next Ctrl-C.
    """
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if before is not None and signal.getsignal(signal.SIGINT) is not before:
            signal.signal(signal.SIGINT, before)


def _has_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
