"""A server on the loopback that answers as it is told to, which may be badly."""

import asyncio
import json
import re
from contextlib import closing, suppress

HANG = object()
"""No answer at all."""

HANG_UP = b""
"""No byte of an answer, and the connection closed."""


def answer(body, *, status="200 OK", headers=(), length=None):
    """The bytes of a response; a `length` that is not the body's cuts it short."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


class MisbehavingServer:
    """Gives one prepared answer after another, the last one again and again.

    Attributes:
        answers: What is to come: bytes, or `HANG`.
        keeps_open: Whether connections stay open after an answer.
        n_connections: How many there were.
        requests: What was asked: head in lower case, and body.
        asked: Set with each request.
        left: Set when a client has closed its connection while it waited.
    """

    def __init__(self):
        self.answers = []
        self.keeps_open = False
        self.n_connections = 0
        self.requests = []
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    @property
    def url(self):
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}/v1"

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *error):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        self.n_connections += 1
        with closing(writer), suppress(asyncio.IncompleteReadError):  # the client hangs up
            await self._answer(reader, writer)
            while self.keeps_open:
                await self._answer(reader, writer)

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = re.search(r"^content-length: (\d+)", head, re.MULTILINE)
        body = await reader.readexactly(int(length[1])) if length else b""
        self.requests.append((head, body))
        self.asked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is HANG:
            await reader.read()
            self.left.set()
        else:
            writer.write(answer)
            await writer.drain()
