"""The terminal at which people play: lines out and in, never in the way of the event loop."""

import asyncio
import functools
import io
import os
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from rich import get_console
from rich.text import Text

from simlab.errors import ConfigError, PersonLeftError

_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_CHUNK_BYTES = 4096


class Terminal(Protocol):
    """Where a person reads and writes."""

    def show(self, text: str, *, end: str = "\n") -> None:
        """Write a text as it is; markup and control codes in it have no effect."""
        ...

    async def read_line(self) -> str:
        """The next line that the person types, without its end.

        May be cancelled at any time; what was typed until then is dropped.

        Raises:
            PersonLeftError: The input has ended.
        """
        ...

    def reserved(self) -> AbstractAsyncContextManager[None]:
        """Within the block, nobody else is served; people wait in the order in which they came."""
        ...


class StandardTerminal:
    """The terminal of this process.

    Args:
        descriptor: Of its input.

    Raises:
        ConfigError: The input is no terminal.
    """

    def __init__(self, descriptor: int) -> None:
        if not os.isatty(descriptor):
            raise ConfigError(_NO_TERMINAL)
        self._descriptor = descriptor
        self._typed = b""
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    def show(self, text: str, *, end: str = "\n") -> None:
        """Write a text; see `Terminal.show`."""
        get_console().print(Text(text.translate(_CONTROLS)), end=end, soft_wrap=True)

    async def read_line(self) -> str:
        """Read a line; see `Terminal.read_line`."""
        try:
            while b"\n" not in self._typed:
                self._typed += await self._read_chunk()
        except asyncio.CancelledError:
            self._drop_typed()
            raise
        line, _, self._typed = self._typed.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")

    @asynccontextmanager
    async def reserved(self) -> AsyncIterator[None]:
        """Be the only one served; see `Terminal.reserved`."""
        async with self._lock_of(asyncio.get_running_loop()):
            yield

    async def _read_chunk(self) -> bytes:
        loop = asyncio.get_running_loop()
        readable: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._descriptor, _settle, readable)
        try:
            await readable
        finally:
            loop.remove_reader(self._descriptor)
        chunk = os.read(self._descriptor, _CHUNK_BYTES)
        if not chunk:
            raise PersonLeftError("expected an answer, got the end of the terminal's input")
        return chunk

    def _drop_typed(self) -> None:
        """Forget what was typed for a question that is over, so that it answers no other one."""
        self._typed = b""
        termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def _lock_of(self, loop: asyncio.AbstractEventLoop) -> asyncio.Lock:
        """The lock; a new one in each event loop, since a lock belongs to one."""
        if self._lock is None or self._lock[0] is not loop:
            self._lock = (loop, asyncio.Lock())
        return self._lock[1]


_NO_TERMINAL = (
    "a person's seat needs a terminal, but standard input is none; "
    "run the command in a terminal, or cast another agent in this seat"
)


def standard_terminal() -> StandardTerminal:
    """The terminal of this process, the same one for all who ask.

    Raises:
        ConfigError: Standard input is no terminal.
    """
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, ValueError, io.UnsupportedOperation) as error:
        raise ConfigError(_NO_TERMINAL) from error
    return _terminal_at(descriptor)


@functools.cache
def _terminal_at(descriptor: int) -> StandardTerminal:
    return StandardTerminal(descriptor)


def _settle(readable: "asyncio.Future[None]") -> None:
    if not readable.done():
        readable.set_result(None)
