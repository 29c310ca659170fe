"""People for tests: one who sits at a terminal, and one who is just asked."""

import asyncio
from contextlib import asynccontextmanager

from simlab.agents.person import HumanAnswer
from simlab.errors import PersonLeftError


class Watched:
    """Something that changes, and of which a test waits until something holds."""

    def __init__(self):
        self._changed = asyncio.Event()

    async def until(self, holds):
        async with asyncio.timeout(60):
            while not holds():
                self._changed.clear()
                await self._changed.wait()


class Screen(Watched):
    """A terminal at which a person types given lines, and then no more."""

    def __init__(self, *lines):
        super().__init__()
        self.lines = list(lines)
        self.shown = ""
        self._free = asyncio.Lock()

    def show(self, text, *, end="\n"):
        self.shown += text + end
        self._changed.set()

    async def read_line(self):
        if not self.lines:
            await asyncio.get_running_loop().create_future()
        line = self.lines.pop(0)
        if line is None:
            raise PersonLeftError("expected an answer, got the end of the terminal's input")
        self.show(line)
        return line

    @asynccontextmanager
    async def reserved(self):
        async with self._free:
            yield


class Somebody(Watched):
    """A person who gives the answers that were written down, and thinks for ever at a None.

    Keeps the questions, and counts those that were taken back.
    """

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)
        self.asked = []
        self.cancelled = 0

    async def answer(self, question):
        self.asked.append(question)
        self._changed.set()
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            await self._think()
        return answer if isinstance(answer, HumanAnswer) else HumanAnswer(answer)

    async def _think(self):
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled += 1
            self._changed.set()
            raise
