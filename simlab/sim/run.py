"""A run: the directory that keeps a simulation, and what is in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from simlab.errors import ConfigError, RunDirectoryError
from simlab.sim.config import RunFile, checked
from simlab.sim.notebook import episode_in_html, run_in_html
from simlab.sim.own_files import found_again
from simlab.sim.summary import EpisodeSummary, RunSummary, read_summary
from simlab.sim.watching import Watch
from simlab.trace.directory import RunDirectory
from simlab.trace.log import Log
from simlab.trace.trajectory import Fold, Trajectory, Turn, read_fold, words
from simlab.trace.tree import Node, read_tree

if TYPE_CHECKING:
    import pandas as pd

    from simlab.sim.interview import Interview


_COLUMNS = [
    "episode", "step", "seat", "words", "action", "reward", "now", "attempts", "invalid", "late",
]  # fmt: skip
"""Of `Run.frame`."""


@dataclass(frozen=True)
class Episode:
    """One episode of a run."""

    run: "Run"
    summary: EpisodeSummary

    @property
    def number(self) -> int:
        """Its number, from 0."""
        return self.summary.episode

    @cached_property
    def _fold(self) -> Fold:
        return read_fold(self.run.log, self.number)

    def turns(self) -> tuple[Turn, ...]:
        """What all seats did, in the order of the steps."""
        return self._fold.trajectory("").turns

    def facts(self) -> dict[str, Any]:
        """What the world said of the end, such as its outcome; what it says of all seats alike."""
        info = [dict(facts) for facts in self._fold.info.values()]
        first, *others = info or [{}]
        return {
            name: fact for name, fact in first.items() if all(o.get(name) == fact for o in others)
        }

    def seat_facts(self) -> dict[str, dict[str, Any]]:
        """What the world said of each seat's end alone, such as its limit; see `facts`."""
        shared = self.facts()
        return {
            seat: {name: fact for name, fact in facts.items() if name not in shared}
            for seat, facts in self._fold.info.items()
        }

    def trajectories(self) -> dict[str, Trajectory]:
        """What each seat saw, did and got, by seat."""
        return self._fold.trajectories()

    def tree(self) -> Node:
        """What happened, from its steps down to each model call."""
        return read_tree(self.run.log, self.number)

    def transcript(self) -> str:
        """What was done, a line each."""
        return self._fold.trajectory("").transcript()

    def interview(
        self,
        *questions: str,
        seat: str,
        step: int | None = None,
        models: Sequence[str] = (),
        seed: int = 0,
    ) -> "Interview":
        """Ask an agent questions of one's own, as it was; nothing of the run changes.

        Takes what `simlab.sim.interview.Interview.of` takes, and raises what `Interview.ask` does.
        """
        from simlab.sim.interview import Interview  # it opens runs

        begun = Interview.of(
            self.run, seat=seat, episode=self.number, step=step, models=models, seed=seed
        )
        return begun.ask(*questions)

    def _repr_html_(self) -> str:
        return episode_in_html(self)

    def __repr__(self) -> str:
        returns = ", ".join(f"{seat} {total:g}" for seat, total in self.summary.returns.items())
        return (
            f"<Episode {self.number}: {self.summary.state}, {self.summary.n_steps} steps"
            f"{', returns ' + returns if returns else ''}>"
        )


class Run:
    """A run that was made, or is being made; opening it runs no code that it names.

    Args:
        path: Its directory.

    Raises:
        RunDirectoryError: There is no run, or it is from a newer version.
    """

    def __init__(self, path: str | Path) -> None:
        self.directory = RunDirectory.open(Path(path))

    @property
    def path(self) -> Path:
        """Its directory."""
        return self.directory.path

    @cached_property
    def record(self) -> dict[str, Any]:
        """The contents of its `run.yaml`, but for files of users that have moved.

        Those are looked for in the working directory and the folders above the run, by what was in
        them.
        """
        record = self.directory.read_run()
        if not isinstance(record.get("run"), dict):
            raise RunDirectoryError(f"{self.path}/run.yaml has no mapping under 'run'")
        return found_again(record, [Path.cwd(), *self.path.resolve().parents])

    @cached_property
    def file(self) -> RunFile:
        """What was run."""
        return checked(self.record["run"])

    @cached_property
    def log(self) -> Log:
        """Its events, as far as they were committed when this was first asked for."""
        return Log(self.directory)

    @cached_property
    def summary(self) -> RunSummary:
        """What it came to."""
        return read_summary(self.directory, self.file.episodes)

    @property
    def digest(self) -> str:
        """Of all that was recorded but durations and placement, hex."""
        return self.summary.digest

    @property
    def episodes(self) -> Sequence[Episode]:
        """Its episodes by number."""
        return [Episode(self, summary) for summary in self.summary.episodes]

    def episode(self, number: int) -> Episode:
        """One of its episodes.

        Raises:
            ConfigError: It has no such episode.
        """
        if not 0 <= number < len(self.summary.episodes):
            raise ConfigError(
                f"{self.path} has no episode {number}; it has 0..{len(self.summary.episodes) - 1}"
            )
        return self.episodes[number]

    def as_dict(self, episode: int | None = None) -> dict[str, Any]:
        """What it came to as plain data, of one episode or of all."""
        whole: dict[str, Any] = msgspec.to_builtins(self.summary)
        del whole["segments"]
        if episode is not None:
            whole["episodes"] = [msgspec.to_builtins(self.episode(episode).summary)]
        return {"run": str(self.path), "name": self.file.name, **whole}

    def trajectories(self) -> Iterator[Trajectory]:
        """What each seat saw, did and got, for all episodes one after another."""
        for episode in self.log.episodes:
            yield from read_fold(self.log, episode).trajectories().values()

    def frame(self) -> "pd.DataFrame":
        """One row for each action: episode, step, seat, words, action, reward and how it came.

        Columns: ``episode, step, seat, words, action, reward, now, attempts, invalid, late``; also
        where there are no rows.
        """
        import pandas as pd  # heavy

        rows = [
            (
                trajectory.episode,
                turn.step,
                trajectory.seat,
                words(turn.acted.action),
                turn.acted.action,
                turn.reward,
                turn.now,
                turn.acted.attempts,
                turn.acted.invalid is not None,
                turn.acted.late,
            )
            for trajectory in self.trajectories()
            for turn in trajectory.turns
            if turn.acted is not None
        ]
        frame = pd.DataFrame(rows, columns=_COLUMNS)
        return frame.sort_values(["episode", "step", "seat"], ignore_index=True)

    def watch(self, *, height: int = 720) -> Watch:
        """Look at the run in the app, inline in a notebook, finished or live.

        Args:
            height: Of the frame, in pixels.

        Raises:
            ConfigError: The app cannot be started; it needs ``pip install 'simlab[watch]'``.
        """
        return Watch(self.path, height=height)

    def _repr_html_(self) -> str:
        return run_in_html(self)

    def __repr__(self) -> str:
        summary = self.summary
        returns = ", ".join(f"{seat} {mean:g}" for seat, mean in summary.mean_returns().items())
        return (
            f"<Run {self.file.name} in {self.path}: {summary.n_ended} of {self.file.episodes} "
            f"episodes ended, {summary.n_failed} failed"
            f"{'; mean returns ' + returns if returns else ''}>"
        )
