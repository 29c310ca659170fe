"""Threads for what may take long, which keep no process from ending."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """A few threads that do what they are given, in its order.

    Python waits for the threads of `concurrent.futures` when it ends, so one that hangs, as on a
    disk that is gone, would keep it for ever. For these nobody waits.

    Args:
        n_threads: How many things are done at once.
        name: Of the threads.
    """

    def __init__(self, n_threads: int, name: str) -> None:
        self._given: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._n_threads = n_threads
        self._has_ended = False
        for nth in range(n_threads):
            threading.Thread(target=self._serve, name=f"{name} {nth}", daemon=True).start()

    def do(self, work: Callable[[], T]) -> "Future[T]":
        """Do something as soon as a thread is free; gives what comes of it.

        Raises:
            RuntimeError: They have ended.
        """
        if self._has_ended:
            raise RuntimeError("nothing is done after these threads were ended")
        done: Future[T] = Future()
        self._given.put(partial(_do, work, done))
        return done

    def end(self) -> None:
        """Begin with nothing more; what was begun goes on."""
        self._has_ended = True
        for _ in range(self._n_threads):
            self._given.put(lambda: None)

    def _serve(self) -> None:
        while not self._has_ended:
            self._given.get()()


def _do(work: Callable[[], T], done: "Future[T]") -> None:
    if done.set_running_or_notify_cancel():
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)
