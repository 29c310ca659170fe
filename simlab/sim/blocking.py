"""Waiting for coroutines in code that is not async: scripts, notebooks, commands."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from functools import partial
from types import FrameType
from typing import Any


def run_async(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end, in a thread of its own if this one has an event loop already.

    Ctrl-C cancels it. A second one, while it still cleans up, kills the process of a script or a
    command, and leaves a notebook's alone.
    """
    if _has_event_loop():
        return _run_in_thread(work)
    return asyncio.run(_interruptible(work))


def _run_in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    outcome: Future[Any] = Future()
    cancels: list[Callable[[], object]] = []

    async def cancellable() -> Any:
        task = asyncio.current_task()
        assert task is not None
        cancels.append(partial(task.get_loop().call_soon_threadsafe, task.cancel))
        return await work

    def work_there() -> None:
        try:
            outcome.set_result(asyncio.run(cancellable()))
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=work_there, name="simlab-run")
    thread.start()
    try:
        return outcome.result()
    except KeyboardInterrupt:
        if not outcome.done():
            for cancel in cancels:
                cancel()
            wait([outcome])
        raise
    finally:
        thread.join()


async def _interruptible(work: Coroutine[Any, Any, Any]) -> Any:
    """Await something; asyncio handles a first Ctrl-C, and the system the next one."""
    cancel = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(cancel):
        return await work

    def cancel_once(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        cancel(number, frame)

    signal.signal(signal.SIGINT, cancel_once)
    try:
        return await work
    finally:
        signal.signal(signal.SIGINT, cancel)


def _has_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
