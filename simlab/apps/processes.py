"""Processes: SimLab's commands that the app starts, such as branches, each as a process of its own.

A run names code of its users, which the app never imports; its commands do.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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

    process: asyncio.subprocess.Process
    output: Path

    @property
    def has_failed(self) -> bool:
        """Whether it has ended otherwise than well."""
        return self.process.returncode not in (None, 0)

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
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="simlab-app-")
        self._ended_with_app: set[asyncio.subprocess.Process] = set()
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
        """
        self._n_started += 1
        output = self.folder / f"{self._n_started:04}.log"
        with output.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "simlab.cli",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        if not goes_on:
            self._ended_with_app.add(process)
        return Command(process, output)

    async def close(self) -> None:
        """End what is not to go on, and let go of what was said."""
        for process in self._ended_with_app:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        self._folder.cleanup()
