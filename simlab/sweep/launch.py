"""Launching sweeps: from the command line, a script or a notebook."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simlab.errors import ConfigError
from simlab.sim.default_directory import directory_of
from simlab.sim.provenance import provenance
from simlab.sweep.directory import SweepDirectory
from simlab.sweep.observer import SweepObserver
from simlab.sweep.space import points_of, settings_of
from simlab.sweep.sweep_file import (
    SWEEPS,
    SweepFile,
    SweepSource,
    open_sweep_file,
    read_sweep_file,
)
from simlab.sweep.swept import Swept
from simlab.sweep.swept_run import SweptRun
from simlab.sweep.swept_training import SweptTraining
from simlab.sweep.trial import Trial, best_of
from simlab.train.begun import check_same, check_sources, without
from simlab.yaml_file import located

_MAY_DIFFER = ("name", "description", "at_once", "trainer_gpus")
"""Keys with which a sweep is gone on with although they have changed."""


@dataclass(frozen=True)
class Sweep:
    """A sweep that is checked and has its directory, ready to go.

    Attributes:
        file: What is tried.
        directory: Where.
        points: The values of each trial by key.
        swept: What each trial is.
    """

    file: SweepFile
    directory: SweepDirectory
    points: Sequence[Mapping[str, Any]]
    swept: Sequence[Swept]

    def run(self, observer: SweepObserver | None = None) -> list[Trial]:
        """Go on until all trials are over; gives them by number, and writes down the best.

        Raises:
            ConfigError: The cluster has not what is needed, or a model cannot be served.
            LogWriteError: The disk takes no more; what was done stays.
            SimlabError: Something has ended all trials.
        """
        from simlab.sweep.trials_at_once import go_on  # Ray takes seconds, which bad input spares

        with self.directory.locked():
            trials = self.directory.trials() or [
                Trial(number, dict(point)) for number, point in enumerate(self.points)
            ]
            if not all(trial.is_over for trial in trials):
                go_on(
                    self.file,
                    self.directory,
                    self.swept,
                    trials,
                    state=self._state(),
                    observer=self._recording(trials, observer or SweepObserver()),
                )
            self._conclude(trials)
        return trials

    def _state(self) -> Path:
        """A folder for what Tune keeps for itself, outside the sweep; nobody reads it again."""
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        digest = hashlib.blake2b(str(self.directory.path.resolve()).encode(), digest_size=8)
        return Path(home) / "simlab" / "sweeps" / digest.hexdigest()

    def _recording(self, trials: Sequence[Trial], observer: SweepObserver) -> SweepObserver:
        """An observer that keeps what has changed before it tells of it."""

        def on_trial(trial: Trial) -> None:
            self.directory.write_trials(trials)
            observer.on_trial(trial)

        return replace(observer, on_trial=on_trial)

    def _conclude(self, trials: Sequence[Trial]) -> None:
        self.directory.write_frame(trials)
        best = best_of(trials, self.file.mode)
        if best is not None:
            self.directory.write_best(self.swept[best.number].data())


def sweep(
    sweep: str | Path,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
    resume: bool = False,
    observer: SweepObserver | None = None,
) -> list[Trial]:
    """Sweep to the end; takes what `prepare_sweep` takes, and gives the trials."""
    prepared = prepare_sweep(sweep, out=out, seed=seed, settings=settings, resume=resume)
    return prepared.run(observer)


def prepare_sweep(
    sweep: str | Path,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
    resume: bool = False,
) -> Sweep:
    """Check a sweep, all its trials with it, and make or find its directory.

    Args:
        sweep: Name of a bundled one, path of its file, or with `resume` its directory.
        out: Its directory; by default the next ``runs/NAME-0001``.
        seed: Instead of the file's.
        settings: Keys of the file to set, each as ``KEY=VALUE``; see `read_sweep_file`.
        resume: Go on with the sweep in `out`; one that is not there is started.

    Raises:
        ConfigError: What was given cannot be tried; nothing was made, and no model was asked.
    """
    given = [*settings, *([] if seed is None else [f"seed={seed}"])]
    path = Path(sweep)
    source: SweepSource | None = None
    if resume and (SweepDirectory.is_one(path) or SWEEPS.is_folder(sweep)):
        if out is not None:
            raise ConfigError(f"{path} is gone on with where it is, got {out} beside it")
        data: dict[str, Any] = SweepDirectory(path).read()["sweep"]
    else:
        source = open_sweep_file(str(sweep))
        data = source.file.data
    file = read_sweep_file(data, source, settings=given)
    points, swept = _tried(file, source)
    if source is not None:
        path = directory_of(file.name, out, resume=resume)
    if resume and SweepDirectory.is_one(path):
        directory = SweepDirectory.open(path)
        _go_on(directory, file, swept[0])
    else:
        directory = SweepDirectory.create(path, _record(file, swept[0]))
    return Sweep(file, directory, points, swept)


def swept_of(file: SweepFile) -> Swept:
    """What a sweep varies, as it stands in its file."""
    if file.training is not None:
        return SweptTraining(file.training)
    assert file.run is not None, "a sweep varies one of the two"
    return SweptRun(file.run)


def _tried(file: SweepFile, source: SweepSource | None) -> tuple[list[dict[str, Any]], list[Swept]]:
    """The values of each trial, and what is tried with them, once it was seen that all fit.

    Raises:
        ConfigError: Something does not fit; names the line of the sweep's file.
    """
    named = None if source is None else source.file
    with located(named, file.kind):
        whole = swept_of(file).varied(())
    with located(named, "metric"):
        whole.check_metric(file.metric)
    with located(named, "scheduler"):
        _check_scheduler(file, whole)
    with located(named, "trials"):
        points = points_of(file.space, file.trials, seed=file.seed)
    return points, [_varied(whole, point, source) for point in points]


def _varied(whole: Swept, point: Mapping[str, Any], source: SweepSource | None) -> Swept:
    """What is tried with some values.

    Raises:
        ConfigError: They are refused; names the line of the value that is refused by itself as
            well, or all of them where none is.
    """
    try:
        return whole.varied(settings_of(point))
    except ConfigError as error:
        named = None if source is None else source.file
        for key, value in point.items():
            if _refusal(whole, {key: value}) == error.message:
                with located(named, "space", key):
                    raise
        with located(named, "space"):
            raise ConfigError(f"{error.message} with {dict(point)!r}") from error


def _refusal(whole: Swept, point: Mapping[str, Any]) -> str:
    """Why values are refused; empty if they are not."""
    try:
        whole.varied(settings_of(point))
    except ConfigError as error:
        return error.message
    return ""


def _check_scheduler(file: SweepFile, whole: Swept) -> None:
    if file.scheduler.name == "asha" and not whole.rounds:
        raise ConfigError(
            "scheduler.name must be 'none' for runs, which report once, at their end, got 'asha'"
        )


def _record(file: SweepFile, swept: Swept) -> dict[str, Any]:
    """The contents of a new `sweep.yaml`."""
    record = provenance(swept.played)
    del record["run"]
    return {"sweep": file.model_dump(mode="json", exclude_unset=True), **record}


def _go_on(directory: SweepDirectory, file: SweepFile, swept: Swept) -> None:
    """See that a sweep that is gone on with is the one that was begun.

    Raises:
        ConfigError: Something else has changed than may differ; names it.
    """
    record = directory.read()
    before = read_sweep_file(record["sweep"])
    check_same(_identity(before), _identity(file), directory.path, command="sweep")
    models = swept.played.models
    check_sources(record, before.varied_run, file.varied_run, directory.path, models=models)


def _identity(file: SweepFile) -> dict[str, Any]:
    """The keys of a file that decide on what comes out, wherever the files stand that it names."""
    data = file.model_dump(mode="json", exclude_unset=True)
    return without({**data, file.kind: swept_of(file).placeless()}, _MAY_DIFFER)
