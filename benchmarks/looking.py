"""Looking at runs: the app in a process of its own, and viewers that poll it as its page does."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

WAIT_S = 15
"""How long the server keeps an answer to a page that asks for news."""

PAUSE_S = 0.5
"""How long a page rests at least between two questions for news."""

STANDING_EVERY_S = 1.0
"""How often a page asks where the live episodes stand."""

WINDOW = 100
"""Turns that a page asks for at once, as `window.js` has it."""

_SCRIPT = """
from pathlib import Path
from simlab.apps.watching import watch
watch([Path({folder!r})], tell=lambda link: print(link, flush=True))
"""


@dataclass(frozen=True, slots=True)
class App:
    """An app that is served.

    Attributes:
        link: Lets whoever opens it see everything.
        process: Id of its process.
    """

    link: str
    process: int

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx2.AsyncClient]:
        """A browser that has opened the link."""
        parts = urlsplit(self.link)
        async with httpx2.AsyncClient(
            base_url=f"{parts.scheme}://{parts.netloc}", timeout=60
        ) as client:
            (await client.get(f"/?{parts.query}", follow_redirects=False)).read()
            yield client

    @contextmanager
    def stalled(self, run: str, n_requests: int = 200) -> Iterator[None]:
        """Within the block somebody asks for all there is, and never reads an answer."""
        parts = urlsplit(self.link)
        token = parts.query.partition("=")[2]
        request = (
            f"GET /api/news?run={run} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"X-Simlab-Token: {token}\r\n\r\n"
        )
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            connection.sendall(request.encode() * n_requests)
            yield


@contextmanager
def app_of(folder: Path) -> Iterator[App]:
    """The app over a folder of runs, in a process of its own, while the block runs."""
    command = (sys.executable, "-c", _SCRIPT.format(folder=str(folder)))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None, "it is a pipe"
        yield App(process.stdout.readline().strip(), process.pid)
    finally:
        process.terminate()
        process.communicate()


class Viewer:
    """Looks at the newest turns of a run's first episode, as its page does.

    Args:
        client: That has opened the app's link.
        run: The run's name.

    Attributes:
        n_answers: To its questions, so far.
    """

    def __init__(self, client: httpx2.AsyncClient, run: str) -> None:
        self._client = client
        self._run = run
        self._cursor = ""
        self.n_answers = 0
        self._n_steps = 0
        self._grown = asyncio.Event()

    async def first_view_s(self) -> float:
        """Seconds until there is all that a page shows at first."""
        start = time.perf_counter()
        overview = await self._get("run")
        rows, _ = await self._some_news()
        if rows:
            await self._get("turns", episode=rows[0]["episode"], **{"from": 0, "to": WINDOW})
        assert overview["name"], "the run was read"
        return time.perf_counter() - start

    async def watch(self) -> None:
        """Follow the run until it has ended or nobody wants to see it any more."""
        await self.first_view_s()
        await asyncio.gather(self._follow(), self._ask_standing())

    async def wait_steps(self, n_steps: int) -> None:
        """Wait until so many steps of the episode were seen."""
        while self._n_steps < n_steps:
            self._grown.clear()
            await self._grown.wait()

    async def _follow(self) -> None:
        while True:
            start = time.perf_counter()
            for row in await self._news():
                if row["episode"] == 0:
                    self._n_steps = row["n_steps"]
                    self._grown.set()
                    window = {"from": max(0, row["n_steps"] - WINDOW), "to": row["n_steps"]}
                    await self._get("turns", episode=0, **window)
            await asyncio.sleep(max(0.0, PAUSE_S - (time.perf_counter() - start)))

    async def _ask_standing(self) -> None:
        while True:
            await self._get("control")
            await asyncio.sleep(STANDING_EVERY_S)

    async def _news(self) -> list[dict[str, Any]]:
        """The rows of all episodes that have changed."""
        rows, more = await self._some_news()
        while more:
            others, more = await self._some_news()
            rows += others
        return rows

    async def _some_news(self) -> tuple[list[dict[str, Any]], bool]:
        """Rows of episodes that have changed, and whether there are more."""
        given = {"cursor": self._cursor, "wait_s": WAIT_S} if self._cursor else {}
        news = await self._get("news", **given)
        self._cursor = news["cursor"]
        return news["episodes"], news["more"]

    async def _get(self, path: str, **query: Any) -> Any:
        answer = await self._client.get(f"/api/{path}", params={"run": self._run, **query})
        if answer.is_error:
            raise RuntimeError(f"/api/{path} answered {answer.status_code}: {answer.text[:500]}")
        self.n_answers += 1
        return answer.json()
