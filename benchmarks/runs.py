"""Runs of bundled scenarios that are played for their cost."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.peer import ROOT
from simlab.sim.launch import Launch, prepare
from simlab.sim.run import Run
from simlab.trace.events import Ended, Started

COMMAND = str(Path(sys.executable).parent / "simlab")
"""The command line, as it was installed beside this Python."""


@dataclass(frozen=True, slots=True)
class Play:
    """A bundled world that lasts for as many steps as it is told, as its agents never end it.

    Attributes:
        scenario: Its name.
        length: The option that says how long it lasts.
        steps_each: Steps that one of this option stands for.
        actions_each: Actions in each step.
        script: Of the scripted model.
        settings: More keys of the run file.
    """

    scenario: str
    length: str
    steps_each: int
    actions_each: int
    script: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def launch(
        self, out: Path, *, steps: int, episodes: int, live: int, hosts: int = 0, **model: object
    ) -> Launch:
        """A run that is ready to go.

        Args:
            out: Its directory.
            steps: Of each episode.
            episodes: How many.
            live: How many of them at once.
            hosts: Ray hosts; 0 plays in this process.
            model: More options of the scripted model.
        """
        settings = {
            **self.settings,
            f"options.{self.length}": steps // self.steps_each,
            "concurrency": live,
            "models.all.script": f"benchmarks.scripts:{self.script}",
            **{f"models.all.{name}": value for name, value in model.items()},
        }
        return prepare(
            self.scenario,
            episodes=episodes,
            seed=7,
            out=out,
            hosts=hosts,
            models={"all": "scripted"},
            settings=settings,
        )

    def check(self, run: Run, steps: int) -> None:
        """See that every episode took its steps, with one call of a model for each action.

        Raises:
            RuntimeError: One did not, so that its cost is not what it is taken for.
        """
        for episode in run.summary.episodes:
            found = (episode.state, episode.n_steps, episode.usage["calls"])
            wanted = ("ended", steps, steps * self.actions_each)
            if found != wanted:
                raise RuntimeError(
                    f"{self.scenario}: state, steps and calls of episode {episode.episode} must be "
                    f"{wanted!r}, got {found!r}: {episode.failure}"
                )


TURNS = Play("car_sale", "max_rounds", 2, 1, "hold")
"""One agent acts in each step, and its offer is read from JSON: the dearer of the two."""

NEW_WORDS = Play("car_sale", "max_rounds", 2, 1, "hold_in_new_words")
"""As `TURNS`, with as much new text in each step."""

MOVES = Play("iterated_dilemma", "rounds", 1, 2, "cooperate", {"options.talk": False})
"""Two agents act at once in each step, each with a word."""


def lasted_s(run: Run) -> float:
    """Seconds from the first reset of a run to its last end, by the clocks of its hosts."""
    started, ended = [], []
    for episode in run.log.episodes:
        for event in run.log.events(episode, (Started, Ended)):
            match event:
                case Started():
                    started.append(event.wall_s)
                case Ended():
                    ended.append(event.wall_s)
    return max(ended) - min(started)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the disk of the repository, since that for temporary files may be in memory."""
    place = ROOT / "build"
    place.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="benchmark-", dir=place) as folder:
        yield Path(folder)


def process_s(*command: str) -> float:
    """Seconds that a process takes from its start to its end; what it prints is not shown."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return round(time.perf_counter() - start, 3)
