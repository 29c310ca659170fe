"""Processes: SimLab's commands that the app starts, such as branches, each as a process of its own.

A run names code of its users, which the app never imports; its commands do.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simlab.errors import ConfigError
from simlab.trace.disk import reason_of

_LOOK_EVERY_S: Final = 0.05

_GRACE_S: Final = 5.0
"""How long a command that is to end may take for it."""

_MOST_BYTES: Final = 1 << 14
"""Of what a process has said last, in which its error is looked for."""

_MARK: Final = "simlab: "
"""Begins the line in which a command says what is wrong."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command under way.

    Attributes:
        process: What carries it out.
        output: The file into which it says what it says.
    """

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def has_ended(self) -> bool:
        """Whether it is over, however it went."""
        return self.process.poll() is not None

    @property
    def has_failed(self) -> bool:
        """Whether it has ended otherwise than well."""
        return self.process.poll() not in (None, 0)

    async def wait_end(self) -> None:
        """Wait until it is over."""
        while not self.has_ended:  # noqa: ASYNC110 - the system tells nobody
            await asyncio.sleep(_LOOK_EVERY_S)

    def error(self) -> str:
        """What it has said is wrong, or its last lines, where it has failed."""
        lines = self._last_words().strip().splitlines()
        told = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
        return "\n".join(told[-1:] or lines[-5:]) or f"it ended with {self.process.returncode}"

    def _last_words(self) -> str:
        with self.output.open("rb") as file:
            file.seek(max(0, self.output.stat().st_size - _MOST_BYTES))
            return file.read().decode(errors="replace")


class Processes:
    """Starts commands, and keeps what they say in a folder for as long as the app lasts.

    Runs are started to go on: they outlive the app, as it and they share nothing but the run's
    directory, and Ctrl-C in the terminal of the app is none of theirs. All else is ended with it,
    since nobody would hear the answer.

    They are none of asyncio's, which kills its processes when its loop is gone.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="simlab-app-")
        self._ended_with_app: list[Command] = []
        self._n_started = 0

    @property
    def folder(self) -> Path:
        """A place for files that last as long as the app, and are beside no run."""
        return Path(self._folder.name)

    async def start(self, arguments: Sequence[str], *, goes_on: bool) -> Command:
        """Start a command.

        Args:
            arguments: Of ``simlab``, each as it is: no shell reads them.
            goes_on: Whether it outlives the app.

        Raises:
            ConfigError: The system takes no such command, as where an argument is too long.
        """
        self._n_started += 1
        output = self.folder / f"{self._n_started:04}.log"
        try:
            with output.open("wb") as file:
                process = subprocess.Popen(  # noqa: ASYNC220 - of milliseconds, and see the class
                    [sys.executable, "-m", "simlab.cli", *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"the command cannot be started: {reason_of(error)}; see that what is typed is "
                "short, and has no characters that cannot be seen"
            ) from error
        command = Command(process, output)
        if goes_on:  # somebody has to take note of its end, for as long as the app is there
            threading.Thread(target=process.wait, name=f"end of {output.stem}", daemon=True).start()
        else:
            self._ended_with_app.append(command)
        return command

    async def close(self) -> None:
        """End what is not to go on, with all that it has started, and let go of what was said."""
        under_way = [each for each in self._ended_with_app if not each.has_ended]
        _send(signal.SIGTERM, under_way)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                await _wait_all(under_way)
        _send(signal.SIGKILL, under_way)
        await _wait_all(under_way)
        self._folder.cleanup()


def _send(number: signal.Signals, commands: Sequence[Command]) -> None:
    """Send a signal to commands, each of which leads a group of processes; see `start`."""
    for command in commands:
        with suppress(ProcessLookupError):
            os.killpg(command.process.pid, number)


async def _wait_all(commands: Sequence[Command]) -> None:
    for command in commands:
        await command.wait_end()
