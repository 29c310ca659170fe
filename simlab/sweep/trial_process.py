"""What runs in the process of a trial: it goes on with the trial, and tells Tune of each round."""

import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlab.errors import LogWriteError, RunDirectoryError, SimlabError
from simlab.sweep.swept import Play
from simlab.sweep.swept_run import play_run
from simlab.sweep.swept_training import play_training
from simlab.trace.directory import RunDirectory
from simlab.train.any_trainer import AnyTrainer

PLAYS: Mapping[str, Play] = {"training": play_training, "run": play_run}
"""By what a sweep varies."""

_FREE_S = 60.0
"""How long the process of a driver that was killed may hold a trial yet, in seconds."""

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class TrialProcess:
    """Goes on with a trial; it pickles.

    Attributes:
        kind: Whether it is a training or a run.
        metric: What is reported.
        directory: Of the trial.
        rounds: The number of its last round, after which there is nothing left to be stopped.
        trainer: Who trains.
        paths: Where the driver finds modules.
    """

    kind: str
    metric: str
    directory: Path
    rounds: int
    trainer: AnyTrainer | None
    paths: Sequence[str]

    def play(self, tell: Tell) -> None:
        """Go on to the end.

        What ends it is told like what it comes to: Tune would try it again, to no avail.

        Args:
            tell: Is given ``round`` and ``value`` after each round, or words: ``failed`` on what
                ends this trial, ``full`` on a disk that takes no more, and ``fatal`` on what else
                ends all trials.
        """
        sys.path.extend(path for path in self.paths if path not in sys.path)
        try:
            _wait_free(self.directory)
            PLAYS[self.kind](
                self.directory,
                self.metric,
                self.trainer,
                lambda number, value: tell({"round": number, "value": value}),
            )
        except LogWriteError as error:
            tell({"full": error.message})
        except SimlabError as error:
            tell({"failed": error.message})
        except Exception:
            tell({"fatal": traceback.format_exc()})


def _wait_free(directory: Path) -> None:
    """Wait until no process holds a directory that one of an earlier driver may hold still.

    Raises:
        RunDirectoryError: One does not let it go.
    """
    begun_s = time.monotonic()
    while True:
        try:
            with RunDirectory(directory).locked():
                return
        except RunDirectoryError:
            if time.monotonic() - begun_s > _FREE_S:
                raise
            time.sleep(0.2)
