"""Launching trainings: from the command line, a script or a notebook."""

import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlab.errors import ConfigError
from simlab.sim.default_directory import directory_of
from simlab.sim.own_files import contents_of
from simlab.sim.provenance import provenance
from simlab.train.any_trainer import AnyTrainer
from simlab.train.begun import check_same, check_sources
from simlab.train.directory import TrainingDirectory
from simlab.train.observer import TrainingObserver
from simlab.train.plays import Plays
from simlab.train.plots import draw_plots
from simlab.train.rehearsal import rehearse_training
from simlab.train.round import PHASES, Round, versions
from simlab.train.round_record import RoundRecord, read_round
from simlab.train.serving import served
from simlab.train.setup import Setup, identity_of
from simlab.train.table import Row, rows_of, write_table
from simlab.train.train_file import TRAININGS, TrainFile, open_train_file, read_train_file
from simlab.yaml_file import YamlFile

_LIBRARIES = ("torch", "peft", "matplotlib")

_DRAW_EVERY_S = 10.0
"""Plots take a second to draw, which rounds that are shorter should not pay each."""


@dataclass(frozen=True)
class Training:
    """A training that is checked and has its directory, ready to go.

    Attributes:
        file: What is trained.
        directory: Where.
        plays: Makes its runs.
    """

    file: TrainFile
    directory: TrainingDirectory
    plays: Plays

    def run(
        self, observer: TrainingObserver | None = None, *, trainer: AnyTrainer | None = None
    ) -> list[Row]:
        """Go on to the end of the last round; gives the table.

        Args:
            observer: Who looks on.
            trainer: Who trains; None for one of its own.

        Raises:
            TrainingError: A round has nothing to learn from, or a loss is not finite.
            LogWriteError: The disk takes no more; what was done stays.
        """
        watching = observer or TrainingObserver()
        setup = Setup(self.file, self.directory, self.plays, watching, trainer)
        base = self.plays.evaluating(None)
        with self.directory.locked():
            if self._has_ended():  # and needs no models
                return self._go(setup)
            with served(base, hosts=self.file.hosts):
                return self._go(setup)

    def _has_ended(self) -> bool:
        last = read_round(self.directory.round(self.file.rounds))
        return last is not None and PHASES[-1] in last.phases

    def _go(self, setup: Setup) -> list[Row]:
        """Play all rounds, and draw now and then, and at the end, what they come to so far."""
        records: list[RoundRecord] = []
        rows: list[Row] = []
        drawn_s = time.monotonic()
        for number in range(self.file.rounds + 1):
            last = versions(records)[-1] if records else None
            known = read_round(self.directory.round(number))
            records.append(_play(setup, number, last))
            rows = self._tabulate(records)
            is_stale = records[-1] != known and time.monotonic() - drawn_s >= _DRAW_EVERY_S
            if number == self.file.rounds or is_stale:
                draw_plots(self.directory, rows)
                drawn_s = time.monotonic()
            setup.observer.on_round(rows[-1])
        return rows

    def _tabulate(self, records: Sequence[RoundRecord]) -> list[Row]:
        rows = rows_of(records, seed=self.file.seed)
        write_table(self.directory, rows)
        return rows


def train(
    training: str | Path,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
    resume: bool = False,
    observer: TrainingObserver | None = None,
) -> list[Row]:
    """Train to the end; takes what `prepare_training` takes, and gives the table."""
    prepared = prepare_training(training, out=out, seed=seed, settings=settings, resume=resume)
    return prepared.run(observer)


def prepare_training(
    training: str | Path,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
    resume: bool = False,
) -> Training:
    """Check a training and make or find its directory.

    Args:
        training: Name of a bundled one, path of its file, or with `resume` its directory.
        out: Its directory; by default the next ``runs/NAME-0001``.
        seed: Instead of the file's.
        settings: Keys of the file to set, each as ``KEY=VALUE``.
        resume: Go on with the training in `out`; one that is not there is started.

    Raises:
        ConfigError: What was given cannot be trained; nothing was made, and no model was asked.
    """
    _require_libraries()
    given = [*settings, *([] if seed is None else [f"seed={seed}"])]
    path = Path(training)
    source: YamlFile | None = None
    if resume and (TrainingDirectory.is_one(path) or TRAININGS.is_folder(training)):
        if out is not None:
            raise ConfigError(f"{path} is gone on with where it is, got {out} beside it")
        data: dict[str, Any] = TrainingDirectory(path).read()["training"]
    else:
        source = open_train_file(str(training))
        data = source.data
    file = read_train_file(data, source, settings=given)
    plays = rehearse_training(file, source)
    if source is not None:
        path = directory_of(file.name, out, resume=resume)
    if resume and TrainingDirectory.is_one(path):
        directory = TrainingDirectory.open(path)
        _go_on(directory, file)
    else:
        directory = make_training(file, path)
    return Training(file, directory, plays)


def make_training(file: TrainFile, path: Path) -> TrainingDirectory:
    """Make the directory of a training that was checked and has not begun.

    Raises:
        RunDirectoryError: Something is there already, or the disk does not take it.
    """
    return TrainingDirectory.create(path, _record(file))


def _play(setup: Setup, number: int, last: RoundRecord | None) -> RoundRecord:
    parent = f"{setup.file.learner.name}@{last.number}" if last is not None and last.number else ""
    record = read_round(setup.directory.round(number)) or RoundRecord(number, parent)
    Round(setup, record, last).play()
    return record


def _record(file: TrainFile) -> dict[str, Any]:
    """The contents of a new `train.yaml`."""
    record = provenance(file.run)
    del record["run"]
    return {"training": file.model_dump(mode="json", exclude_unset=True), **record}


def _go_on(directory: TrainingDirectory, file: TrainFile) -> None:
    """See that a training that is gone on with is the one that was begun.

    Raises:
        ConfigError: Something else has changed than may differ; names it.
    """
    record = directory.read()
    before = read_train_file(record["training"])
    if before.rounds > file.rounds:
        raise ConfigError(
            f"{directory.path} was begun with {before.rounds} rounds, got {file.rounds}; on "
            "resuming they may only grow"
        )
    check_same(identity_of(before), identity_of(file), directory.path, command="train")
    data = file.model_dump(mode="json", exclude_unset=True)
    check_sources(record, before.run, file.run, directory.path, models=file.run.models)
    if data != record["training"]:
        directory.write({**record, "training": data, "files": contents_of(data["run"])})


def _require_libraries() -> None:
    missing = [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"training needs {', '.join(missing)}, which is not installed; "
            "pip install 'simlab[models,train]'"
        )
