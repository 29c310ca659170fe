"""The client: commands a live run from another process, a notebook or a test.

with simlab.ControlClient("runs/car_sale-0001") as run:
    run.pause()
    run.say(0, "buyer", '{"say": "No.", "price": 5000}')
    run.resume()
"""

import itertools
import json
import socket
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

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

_CHUNK: Final = 1 << 16
"""Bytes that are read at once."""


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
            raise not_live(run) from error
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
            self._socket.sendall(request_line(number, kind, arguments))
        while True:
            line = self._read()
            if "question" in line:
                self._questions.append(line["question"])
            elif "withdrawn" in line:
                self._withdraw(line["withdrawn"])
            elif "lapsed" not in line and line.get("id") in (number, None):
                return answer_in(line)

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
            if not new or self._n_seen > LONGEST_ANSWER:
                raise cut_off()
            self._unread += new
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        self._n_seen = 0
        found: Answer = json.loads(line)
        return found
