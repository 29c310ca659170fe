"""The client of an event loop: several calls at once, and word of all that changes."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simlab.errors import ControlError
from simlab.sim.control.commands import (
    LONGEST_ANSWER,
    Answer,
    Commands,
    answer_in,
    cut_off,
    not_live,
    request_line,
)
from simlab.sim.control.place import find


class AsyncControlClient(Commands[Awaitable[Answer]]):
    """Commands a run from an event loop; several calls may be under way at once.

    Made by `connect`. Whoever calls decides by ``asyncio.timeout`` how long it may take.

    Attributes:
        lapsed: The seats that were taken here, and were lost because no answer came in time.
        on_change: Called when a question comes or is withdrawn, a seat is lost, or the run ends.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lapsed: set[tuple[int, str]] = set()
        self.on_change: Callable[[], None] = lambda: None
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._questions: dict[str, Answer] = {}
        self._asked = asyncio.Event()
        self._ended = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, run: Path) -> Self:
        """Connect to a live run.

        Raises:
            ControlError: The run is not live, or belongs to somebody else.
        """
        try:
            return cls(*await asyncio.open_unix_connection(str(find(run)), limit=LONGEST_ANSWER))
        except OSError as error:
            raise not_live(run) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the run go on by itself; seats that were taken are kept by their names."""
        self._reading.cancel()
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    def call(self, kind: str, /, **arguments: Any) -> Awaitable[Answer]:
        """See `Commands.call`; it is sent at once, also if nobody awaits the answer."""
        number = next(self._numbers)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        answered.add_done_callback(_retrieve)
        try:
            if self._ended:
                raise cut_off()
            self._writer.write(request_line(number, kind, arguments))
        except ControlError as error:
            answered.set_exception(error)
        else:
            self._waiting[number] = answered
        return answered

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended, or has cut this client off."""
        return self._ended

    @property
    def open_questions(self) -> tuple[Answer, ...]:
        """Those that wait and were not given out by `question`, in the order in which they came."""
        return tuple(self._questions.values())

    async def question(self) -> Answer:
        """The next question that still waits, once there is one; it is given out once.

        Raises:
            ControlError: The run has ended.
        """
        while not self._questions:
            if self._ended:
                raise cut_off()
            self._asked.clear()
            await self._asked.wait()
        return self._questions.pop(next(iter(self._questions)))

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
        except ConnectionError:
            pass  # as at the end of the run
        finally:
            self._ended = True
            self._questions.clear()
            self._tell_change()
            for answered in self._waiting.values():
                if not answered.done():
                    answered.set_exception(cut_off())

    def _take(self, line: Answer) -> None:
        if "question" in line:
            self._questions[line["question"]["id"]] = line["question"]
            self._tell_change()
        elif "withdrawn" in line:
            self._questions.pop(line["withdrawn"], None)
            self._tell_change()
        elif "lapsed" in line:
            self.lapsed.add((line["lapsed"]["episode"], line["lapsed"]["seat"]))
            self._tell_change()
        elif (answered := self._waiting.pop(line["id"], None)) is not None and not answered.done():
            try:
                answered.set_result(answer_in(line))
            except ControlError as error:
                answered.set_exception(error)

    def _tell_change(self) -> None:
        self._asked.set()
        self.on_change()


def _retrieve(answered: "asyncio.Future[Answer]") -> None:
    """Let an error that nobody awaits pass in silence: the run has not changed."""
    if not answered.cancelled():
        answered.exception()
