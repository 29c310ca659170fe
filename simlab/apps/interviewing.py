"""Interviewing: the app asks agents of runs, and keeps what they answer for as long as it lasts.

Each question is a process, since the agent may be the run's own code. Its file keeps the interview,
so that the next question goes on from it; nothing is written beside the run.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from simlab.apps.processes import Processes
from simlab.apps.reading import Reading
from simlab.errors import ConfigError
from simlab.sim.interview import Interview


@dataclass(frozen=True, slots=True)
class Interviewed:
    """Whom somebody interviews.

    Attributes:
        run: Name of the run, as it is listed.
        episode: Of which episode.
        step: As the agent was before it acted in this step.
        seat: Where it sits.
        model: ``NAME=ENGINE[:WEIGHTS]`` of who answers in the place of a model; may be empty.
    """

    run: str
    episode: int
    step: int
    seat: str
    model: str = ""

    def arguments(self, path: Path, out: Path, question: str) -> list[str]:
        """A question as ``simlab`` takes it; what people typed never stands where options do."""
        return [
            "interview",
            f"--episode={self.episode}",
            f"--step={self.step}",
            f"--seat={self.seat}",
            *([f"--model={self.model}"] if self.model else []),
            f"--out={out}",
            "--",
            str(path),
            question,
        ]


class Interviewing:
    """Asks agents of runs.

    Args:
        reading: Knows where runs are.
        processes: Starts commands.
    """

    def __init__(self, reading: Reading, processes: Processes) -> None:
        self._reading = reading
        self._processes = processes
        self._asking: dict[Path, asyncio.Lock] = {}

    async def ask(self, whom: Interviewed, question: str) -> Sequence[Mapping[str, str]]:
        """Ask a question; gives the interview so far, as `exchanges` does.

        Raises:
            ConfigError: It cannot be asked, or was not answered; says what the command has said.
        """
        if not question.strip():
            raise ConfigError("a question must have words, got none")
        path = (await self._reading.path_of(whom.run)).resolve()
        out = self._file_of(whom)
        async with self._asking.setdefault(out, asyncio.Lock()):
            arguments = whom.arguments(path, out, question)
            command = await self._processes.start(arguments, goes_on=False)
            await command.wait_end()
        if command.has_failed:
            raise ConfigError(command.error())
        return self.exchanges(whom)

    def exchanges(self, whom: Interviewed) -> Sequence[Mapping[str, str]]:
        """What was asked and answered, oldest first: ``question`` and ``answer`` each."""
        kept = Interview.read(self._file_of(whom))
        told = () if kept is None else kept.exchanges
        return [{"question": each.question, "answer": each.answer} for each in told]

    def begin_anew(self, whom: Interviewed) -> None:
        """Forget what was asked."""
        self._file_of(whom).unlink(missing_ok=True)

    def _file_of(self, whom: Interviewed) -> Path:
        name = hashlib.blake2b(repr(astuple(whom)).encode(errors="replace"), digest_size=12)
        return self._processes.folder / f"interview-{name.hexdigest()}.json"
