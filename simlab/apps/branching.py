"""Branching: the app starts branches of runs, which then go on by themselves.

A branch is ``simlab branch`` in a process of its own. Its directory stands beside its parent's, and
it is a run like any other: it outlives the app, and takes commands.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simlab.apps.processes import Command, Processes
from simlab.apps.reading import Reading
from simlab.errors import ConfigError
from simlab.trace.directory import RunDirectory
from simlab.trace.disk import made
from simlab.view.runs import Runs

_LOOK_EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Wanted:
    """A branch that somebody wants.

    Attributes:
        run: Name of its parent, as it is listed.
        episode: Of the parent.
        step: The first that may differ.
        say: What seats do in it, ``SEAT=TEXT`` each.
        settings: What holds from it on, ``KEY=VALUE`` each.
        seed: Of fresh draws; None draws as the parent does.
        samples: How many continuations.
    """

    run: str
    episode: int
    step: int
    say: Sequence[str] = ()
    settings: Sequence[str] = ()
    seed: int | None = None
    samples: int = 1

    def arguments(self, parent: Path, place: Path) -> list[str]:
        """It as ``simlab`` takes it; what people typed never stands alone, as options do."""
        return [
            "branch",
            f"--episode={self.episode}",
            f"--step={self.step}",
            *(f"--say={said}" for said in self.say),
            *(f"--set={setting}" for setting in self.settings),
            *([] if self.seed is None else [f"--seed={self.seed}"]),
            f"--samples={self.samples}",
            "--people",  # there is no terminal at which they could play
            f"--out={place}",
            "--",
            str(parent),
        ]


class Branching:
    """Starts branches.

    Args:
        reading: Knows where runs are, and lists new ones.
        processes: Starts commands.
    """

    def __init__(self, reading: Reading, processes: Processes) -> None:
        self._reading = reading
        self._processes = processes

    async def branch(self, wanted: Wanted) -> str:
        """Start a branch; gives its name in the list as soon as its directory is there.

        Raises:
            ConfigError: It cannot be made; says what the command has said.
        """
        parent = (await self._reading.path_of(wanted.run)).resolve()
        place = _claim(parent)
        try:
            command = await self._processes.start(wanted.arguments(parent, place), goes_on=True)
            await _wait_for_run(command, place)
        finally:
            _give_back(place)
        return await self._reading.of_list(Runs.add, place)


async def _wait_for_run(command: Command, place: Path) -> None:
    """Wait until a run is in its place.

    Raises:
        ConfigError: The command has failed before.
    """
    while True:
        has_ended = command.has_ended  # asked first: it may make the run and end after a look at it
        if RunDirectory.is_one(place):
            return
        if has_ended:
            raise ConfigError(f"the branch cannot be made: {command.error()}")
        await asyncio.sleep(_LOOK_EVERY_S)


def _claim(parent: Path) -> Path:
    """Make the next free folder for a branch of a run, beside it.

    Raises:
        RunDirectoryError: It cannot be made.
    """
    stem = re.sub(r"-branch-\d+$", "", parent.name)
    number = 1
    while True:
        place = parent.with_name(f"{stem}-branch-{number}")
        try:
            with made(place):
                place.mkdir()
        except ConfigError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
            number += 1
        else:
            return place


def _give_back(place: Path) -> None:
    """Leave no empty folder where a branch was not made."""
    if place.is_dir() and not any(place.iterdir()):
        place.rmdir()
