"""A connection: one client at the socket of a run."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from simlab.errors import SimlabError
from simlab.sim.control.request import LONGEST_LINE, Request, overlong, read_json, read_request

MOST_UNREAD = 1 << 22
"""Bytes that may wait for a client to read them; one that does not is cut off."""

MOST_AT_ONCE = 64
"""Requests of one client that are worked on at once; it is not read from meanwhile."""

Answering = Callable[["Connection", Request], Awaitable[Mapping[str, Any]]]


class Connection(asyncio.Protocol):
    """Reads requests and writes their answers, each when it is there, and questions.

    Nothing here waits for the client: one that stops reading is cut off once too much waits for it.

    Args:
        answer: Gives the answer to a request.
        on_lost: Called once the client has gone.
    """

    def __init__(self, answer: Answering, on_lost: Callable[["Connection"], None]) -> None:
        self._answer = answer
        self._on_lost = on_lost
        self._read = bytearray()
        self._overlong = False
        self._working: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport), "it is a stream"
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`; takes whole lines, and drops those that are too long."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            line = bytes(self._read + end)
            self._read.clear()
            if self._overlong or len(line) > LONGEST_LINE:
                self._overlong = False
                self._refuse_line()
            elif line.strip():
                self._take(line)
        self._read += rest
        if len(self._read) > LONGEST_LINE:
            self._read.clear()
            self._overlong = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        """See `asyncio.Protocol`."""
        self._transport = None
        self._on_lost(self)

    def send(self, line: Mapping[str, Any]) -> None:
        """Write a line, or cut the client off if it does not read."""
        if self._transport is None:
            return
        self._transport.write(json.dumps(line, default=str).encode() + b"\n")
        if self._transport.get_write_buffer_size() > MOST_UNREAD:
            self._transport.abort()

    def close(self) -> None:
        """Write what waits to be written, and let the client go."""
        for working in self._working:
            working.cancel()
        if self._transport is not None:
            self._transport.close()

    def _take(self, line: bytes) -> None:
        working = asyncio.create_task(self._work(line))
        self._working.add(working)
        working.add_done_callback(self._done)
        if len(self._working) >= MOST_AT_ONCE and self._transport is not None:
            self._transport.pause_reading()

    def _done(self, working: asyncio.Task[None]) -> None:
        self._working.discard(working)
        if len(self._working) == MOST_AT_ONCE - 1 and self._transport is not None:
            self._transport.resume_reading()
        if not working.cancelled():
            working.result()  # raises a bug, which the event loop tells

    async def _work(self, line: bytes) -> None:
        number = None
        try:
            data = read_json(line)
            number = data.get("id") if isinstance(data.get("id"), str | int) else None
            answer = await self._answer(self, read_request(data))
            self.send({"id": number, "ok": True, **answer})
        except SimlabError as error:
            self.send({"id": number, "error": error.message})
        except Exception as error:
            self.send({"id": number, "error": f"this request met a bug in SimLab: {error!r}"})
            raise

    def _refuse_line(self) -> None:
        self.send({"id": None, "error": overlong().message})
