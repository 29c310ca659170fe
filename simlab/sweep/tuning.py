"""Ray Tune: trials in processes of their own, so many at once, and some of them stopped early.

Tune is given the numbers of the trials and decides nothing but who is stopped: what each number
means was drawn before. Its state, which is pickled, is never read: what a sweep is gone on with
from is its own record.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from simlab.errors import LogWriteError, SimlabError
from simlab.sweep.halving import Halving
from simlab.sweep.observer import SweepObserver
from simlab.sweep.trial import Report, Trial
from simlab.sweep.trial_process import TrialProcess

MAX_DEATHS = 3
"""A trial whose process has died so often and once more has failed."""

_CLAIM: dict[str, float] = {"cpu": 0, "memory": 1}
"""What a trial asks of Ray: nothing, but that Tune takes for none at all."""

_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",  # else it prints a box, whatever the verbosity
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends a sweep as it ends all else
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
"""Variables by which Tune is told to keep to itself."""


class Recorder(FIFOScheduler):
    """Tune's scheduler: writes down what trials report, and has those stopped that are to be.

    Args:
        trials: All of the sweep; brought up to date.
        processes: What goes on with those that are not over, by number.
        halving: Says who is stopped; has heard of what was recorded.
        observer: Is told of each trial that has changed.

    Attributes:
        error: What has ended all trials; each is stopped when it next reports.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        processes: Mapping[int, TrialProcess],
        halving: Halving,
        observer: SweepObserver,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._trials, self._processes = trials, processes
        self._halving, self._observer = halving, observer
        self.error: SimlabError | None = None

    def __reduce__(self) -> Any:
        """Tune keeps its scheduler as a pickle that nobody reads: there is nothing in it."""
        return FIFOScheduler, ()

    def on_trial_result(
        self,
        tune_controller: Any,  # noqa: ARG002 - Tune's
        trial: Any,
        result: Mapping[str, Any],
    ) -> str:
        """Take a report; one that tells of a failure ends the trial."""
        found = self._trials[trial.config["trial"]]
        if "fatal" in result:
            self._end(SimlabError(result["fatal"]))
        elif "full" in result:
            self._end(LogWriteError(result["full"]))
        elif self.error is not None:
            return str(TrialScheduler.STOP)
        elif "failed" in result:
            found.state, found.why = "failed", result["failed"]
            self._tell(found)
        elif "round" in result:
            self._take(found, Report(result["round"], result["value"]))
        stops = found.is_over or self.error is not None
        return str(TrialScheduler.STOP if stops else TrialScheduler.CONTINUE)

    def _take(self, trial: Trial, report: Report) -> None:
        """Keep a report with what is decided upon it; both are written down at once."""
        stops = self._halving.stops(trial.number, report)
        if trial.add(report):
            is_last = report.round == self._processes[trial.number].rounds
            trial.state = "stopped" if stops and not is_last else "running"
            self._tell(trial)

    def _tell(self, trial: Trial) -> None:
        """Have a change written down; Tune would take the error of a full disk for the trial's."""
        try:
            self._observer.on_trial(trial)
        except LogWriteError as error:
            self._end(error)

    def _end(self, error: SimlabError) -> None:
        self.error = self.error or error

    def on_trial_complete(
        self,
        tune_controller: Any,  # noqa: ARG002 - Tune's
        trial: Any,
        result: Mapping[str, Any],  # noqa: ARG002
    ) -> None:
        """Take note that a trial has come to its end, if nothing else has ended it."""
        found = self._trials[trial.config["trial"]]
        if not (found.is_over or self.error is not None):
            found.state = "ended"
            self._tell(found)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:  # noqa: ARG002 - Tune's
        """Take note that the process of a trial has died; Tune starts another, up to a number."""
        found = self._trials[trial.config["trial"]]
        found.deaths += 1
        if found.deaths > MAX_DEATHS:
            found.state, found.why = "failed", f"its process has died {found.deaths} times"
        self._tell(found)


def tune_trials(
    trials: Sequence[Trial],
    processes: Mapping[int, TrialProcess],
    halving: Halving,
    *,
    at_once: int,
    state: Path,
    observer: SweepObserver,
) -> None:
    """Go on with trials to the end of each; Ray must run.

    Args:
        trials: All of the sweep; those that are over stay as they are.
        processes: What goes on with each of the others, by number.
        halving: Says who is stopped.
        at_once: How many are live at once.
        state: A folder for Tune's own files, which goes again; on a disk that all machines see.
        observer: Is told of each trial that has changed, in this process.

    Raises:
        LogWriteError: The disk takes no more.
        SimlabError: Something else has ended all trials.
    """
    for trial in trials:
        for report in trial.reports:
            halving.stops(trial.number, report)
    recorder = Recorder(trials, processes, halving, observer)

    def play(config: Mapping[str, Any]) -> None:
        processes[config["trial"]].play(tune.report)

    with _told_to_be_quiet(), _folder(state):
        tune.Tuner(
            tune.with_resources(play, _CLAIM),
            param_space={"trial": tune.grid_search(sorted(processes))},
            tune_config=tune.TuneConfig(max_concurrent_trials=at_once, scheduler=recorder),
            run_config=tune.RunConfig(
                name="trials",
                storage_path=str(state),
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=MAX_DEATHS),
            ),
        ).fit()
    if recorder.error is not None:
        raise recorder.error


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Within the block there is an empty folder that nobody else may look into."""
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.mkdir(mode=0o700)
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _told_to_be_quiet() -> Iterator[None]:
    """Within the block Tune writes nothing to the terminal, where others write."""
    before = {name: os.environ.get(name) for name in _QUIET}
    loggers = [logging.getLogger(name) for name in ("ray.tune", "ray.train")]
    levels = [logger.level for logger in loggers]
    os.environ.update(_QUIET)
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
