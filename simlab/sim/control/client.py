"""The client: commands a live run from another process, a notebook or a test.

with simlab.ControlClient("runs/car_sale-0001") as run:
    run.pause()
    run.say(0, "buyer", '{"say": "No.", "price": 5000}')
    run.resume()
"""

import asyncio
import itertools
import json
import socket
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from simlab.errors import ControlError
from simlab.sim.control.place import find
from simlab.sim.control.seat_person import Lapse

Answer = dict[str, Any]
Episodes = int | Literal["all"]
A = TypeVar("A")

_CHUNK = 1 << 16
"""Bytes that are read at once."""

_LONGEST_LINE = 1 << 28
"""Bytes of an answer or a question, at most."""


class Commands(ABC, Generic[A]):
    """All that a run can be told; see `simlab.sim.control` for what each does and answers."""

    @abstractmethod
    def call(self, kind: str, /, **arguments: Any) -> A:
        """Send a request, and give its answer.

        Raises:
            ControlError: The run refuses it, and has changed nothing; or it has ended.
        """

    def hello(self) -> A:
        """Tell of the run, and where its live episodes stand."""
        return self.call("hello")

    def pause(self, episode: Episodes = "all") -> A:
        """Let episodes stand still at the top of their next step."""
        return self.call("pause", episode=episode)

    def resume(self, episode: Episodes = "all") -> A:
        """Let episodes go on."""
        return self.call("resume", episode=episode)

    def step(self, n: int = 1, episode: Episodes = "all") -> A:
        """Let episodes take so many steps, and stand still then."""
        return self.call("step", n=n, episode=episode)

    def stop(self) -> A:
        """End the run; ``--resume`` goes on with it."""
        return self.call("stop")

    def say(self, episode: int, seat: str, text: str) -> A:
        """Let a seat do something, whatever it is at."""
        return self.call("say", episode=episode, seat=seat, text=text)

    def narrate(self, episode: int, text: str) -> A:
        """Say something as the narrator."""
        return self.call("narrate", episode=episode, text=text)

    def edit(self, seat: str, options: Mapping[str, Any], episode: Episodes = "all") -> A:
        """Change options of a seat's agent."""
        return self.call("edit", seat=seat, options=dict(options), episode=episode)

    def swap(self, seat: str, model: str | Mapping[str, Any], episode: Episodes = "all") -> A:
        """Give a seat's agent another model."""
        given = model if isinstance(model, str) else dict(model)
        return self.call("swap", seat=seat, model=given, episode=episode)

    def lease(
        self,
        episode: int,
        seat: str,
        who: str,
        *,
        lapse: Lapse = "agent",
        after_s: float | None = None,
    ) -> A:
        """Take a seat; its questions come on this connection."""
        terms = {"lapse": lapse, "after_s": after_s}
        return self.call("lease", episode=episode, seat=seat, who=who, **terms)

    def take_model(self, model: str, who: str) -> A:
        """Stand for a model; its prompts come on this connection."""
        return self.call("take_model", model=model, who=who)

    def answer(self, question: str, action: Any) -> A:
        """Answer a question."""
        return self.call("answer", question=question, action=action)

    def wait(self, question: str, until: float | None = None) -> A:
        """Do nothing for now, where that may be; `until` is world time in seconds."""
        return self.call("answer", question=question, wait=True, until=until)

    def leave(self, episode: int, seat: str) -> A:
        """Leave a seat."""
        return self.call("leave", episode=episode, seat=seat)

    def leave_model(self, model: str) -> A:
        """Stand for a model no more."""
        return self.call("leave", model=model)


class ControlClient(Commands[Answer]):
    """Commands a run, and waits for each answer.

    Args:
        run: The run's directory.
        timeout_s: How long an answer or a question may take, in seconds; None for ever.

    Raises:
        ControlError: The run is not live, or belongs to somebody else.
    """

    def __init__(self, run: str | Path, *, timeout_s: float | None = 30.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(find(Path(run))))
        except OSError as error:
            self._socket.close()
            raise _not_live(run) from error
        except ControlError:
            self._socket.close()
            raise
        self._unread = bytearray()
        self._n_seen = 0  # bytes of it in which no line ends
        self._numbers = itertools.count(1)
        self._questions: deque[Answer] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the run go on by itself; seats that were taken are kept by their names."""
        self._socket.close()

    def call(self, kind: str, /, **arguments: Any) -> Answer:
        """See `Commands.call`.

        Raises:
            TimeoutError: The answer takes too long; it is not known whether it was done.
        """
        number = next(self._numbers)
        with suppress(BrokenPipeError):  # what is there to be read says more
            self._socket.sendall(_line_of(number, kind, arguments))
        while True:
            line = self._read()
            if "question" in line:
                self._questions.append(line["question"])
            elif "withdrawn" in line:
                self._withdraw(line["withdrawn"])
            elif "lapsed" not in line and line.get("id") in (number, None):
                return _answer_in(line)

    def question(self) -> Answer:
        """The next question that still waits, once there is one.

        Raises:
            TimeoutError: None came.
            ControlError: The run has ended.
        """
        while not self._questions:
            line = self._read()
            if "question" in line:
                self._questions.append(line["question"])
            elif "withdrawn" in line:
                self._withdraw(line["withdrawn"])
        return self._questions.popleft()

    def _withdraw(self, question: str) -> None:
        self._questions = deque(q for q in self._questions if q["id"] != question)

    def _read(self) -> Answer:
        """The next line; what a time-out cuts off is kept, and read on next time."""
        while (end := self._unread.find(b"\n", self._n_seen)) < 0:
            self._n_seen = len(self._unread)
            try:
                new = self._socket.recv(_CHUNK)
            except ConnectionError:
                new = b""
            if not new or self._n_seen > _LONGEST_LINE:
                raise _ended()
            self._unread += new
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        self._n_seen = 0
        found: Answer = json.loads(line)
        return found


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
            return cls(*await asyncio.open_unix_connection(str(find(run)), limit=_LONGEST_LINE))
        except OSError as error:
            raise _not_live(run) from error

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
        if self._ended:
            answered.set_exception(_ended())
        else:
            self._waiting[number] = answered
            self._writer.write(_line_of(number, kind, arguments))
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
                raise _ended()
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
                    answered.set_exception(_ended())

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
                answered.set_result(_answer_in(line))
            except ControlError as error:
                answered.set_exception(error)

    def _tell_change(self) -> None:
        self._asked.set()
        self.on_change()


def _line_of(number: int, kind: str, arguments: Mapping[str, Any]) -> bytes:
    return json.dumps({"id": number, "kind": kind, **arguments}).encode() + b"\n"


def _answer_in(line: Answer) -> Answer:
    """What an answer says.

    Raises:
        ControlError: It is an error.
    """
    if "error" in line:
        raise ControlError(line["error"])
    return {key: value for key, value in line.items() if key not in ("id", "ok")}


def _retrieve(answered: "asyncio.Future[Answer]") -> None:
    """Let an error that nobody awaits pass in silence: the run has not changed."""
    if not answered.cancelled():
        answered.exception()


def _not_live(run: str | Path) -> ControlError:
    return ControlError(f"nobody listens at the socket of {run}; the run has ended or was killed")


def _ended() -> ControlError:
    return ControlError("the run has closed the connection; see how far it came, or go on with it")
