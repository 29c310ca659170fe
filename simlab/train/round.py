"""A round: play, rate, select, train, compare, and publish what is not worse.

Each phase is a function of the training's file, of the version that the round began with and of
what the phases before have left in the round's folder. What it leaves is whole before the round's
record says that it is done, so a round that was cut off anywhere goes on with the phase it was in:
a run is resumed from its log, all else is made anew and comes out the same.
"""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from simlab.errors import RunDirectoryError
from simlab.models.model import name_with_adapter
from simlab.models.weights import fingerprint
from simlab.seeding import derive
from simlab.sim.config import RunFile
from simlab.sim.launch import prepare
from simlab.sim.run import Run
from simlab.sim.scoring.trying import try_judges
from simlab.sim.simulation import Observer
from simlab.trace.events import digest_of
from simlab.train.adapter import publishing
from simlab.train.checks import Checks
from simlab.train.choosing import chosen, dataset_of
from simlab.train.dataset import read_dataset, write_dataset
from simlab.train.figures import figures_of
from simlab.train.options import TrainingOptions, decayed
from simlab.train.plays import LEARNER
from simlab.train.round_record import PhaseRecord, RoundRecord
from simlab.train.scored import load_scored, read_scored, shuffled, write_scored
from simlab.train.setup import Setup

BASE_PHASES = ("trial", "evaluate")
PHASES = ("collect", "score", "select", "train", "evaluate", "gate", "publish")
"""Of a round, in order; the first of all only tries the judge of harm and compares the base."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a phase came to.

    Attributes:
        output: Digest of what it has left.
        figures: What is told of it.
    """

    output: str
    figures: dict[str, Any]


class Round:
    """One round of a training.

    Args:
        setup: Of the training.
        record: Of the round, which is brought up to date.
        last: Record of the round whose version it begins with; None for the base's own.
    """

    def __init__(self, setup: Setup, record: RoundRecord, last: RoundRecord | None) -> None:
        self._setup, self._file = setup, setup.file
        self.record, self._last = record, last
        self._number = record.number
        self._folder = setup.directory.round(record.number)
        published = setup.directory.path / record.parent
        self._parent = published if record.parent else setup.plays.adapter
        self._phases: Mapping[str, Callable[[], Done]] = {
            "trial": self._trial,
            "collect": self._collect,
            "score": self._score,
            "select": self._select,
            "train": self._train,
            "evaluate": self._evaluate,
            "gate": self._gate,
            "publish": self._publish,
        }

    @property
    def candidate(self) -> Path:
        """Folder of the version that the round makes, before it is published."""
        return self._folder / "candidate" / f"{self._file.learner.name}@{self._number}"

    @property
    def _version(self) -> str:
        """The exact name of the version that collects."""
        return name_with_adapter(LEARNER, None if self._parent is None else str(self._parent))

    def play(self) -> None:
        """Do what is not done yet.

        Raises:
            TrainingError: There is nothing to learn from, or a loss is not finite.
            RunDirectoryError: What is done was made from something else than what is there now.
            LogWriteError: The disk takes no more; what was done stays.
        """
        for name in PHASES if self._number else BASE_PHASES:
            inputs = self._inputs(name)
            if name in self.record.phases:
                self._check(name, inputs)
                continue
            self._setup.observer.on_phase(self._number, name)
            start_s = time.perf_counter()
            done = self._phases[name]()
            wall_s = time.perf_counter() - start_s
            self.record.phases[name] = PhaseRecord(inputs, done.output, wall_s, done.figures)
            self.record.write(self._folder)

    def _inputs(self, phase: str) -> str:
        """Digest of all that a phase is made from."""
        parent = "" if self._parent is None else fingerprint(self._parent, whole=True)
        phases = PHASES[: PHASES.index(phase)] if self._number else ()
        before = [self.record.phases[name].output for name in phases]
        return digest_of([self._setup.identity, self._number, parent, before])

    def _check(self, phase: str, inputs: str) -> None:
        known = self.record.phases[phase].inputs
        if known != inputs:
            raise RunDirectoryError(
                f"phase {phase} in {self._folder} was made from inputs {known!r}, got {inputs!r}: "
                "a version or the training's file was changed; put it back, or begin anew by --out"
            )

    def _trial(self) -> Done:
        """See how well the judge of harm tells labelled cases apart, before it is used."""
        file = self._setup.plays.trying()
        trust = try_judges(
            file,
            self._folder / "cases",
            are_served=bool(self._file.hosts),
            on_case=self._counted(len(file.cases)),
        )
        self._setup.observer.on_trial(trust)
        return Done(digest_of(trust), trust)

    def _collect(self) -> Done:
        run = self._run(self._setup.plays.collecting(self._number, self._parent), "collect")
        return Done(run.digest, _counts(run))

    def _score(self) -> Done:
        run = Run(self._folder / "collect")
        scored = read_scored(run, self._file, self._setup.plays.states.populations)
        write_scored(scored, self._folder / "scored.jsonl")
        figures = figures_of(scored, n_failed=run.summary.n_failed, seed=self._seed("bootstrap"))
        return Done(digest_of([asdict(one) for one in scored]), figures.as_dict())

    def _select(self) -> Done:
        file = self._file
        scored = load_scored(self._folder / "scored.jsonl")
        if file.shuffle_ratings:
            scored = shuffled(scored, file.level, self._rng("shuffle"))
        roles = chosen(file, scored)
        run = Run(self._folder / "collect")
        dataset = dataset_of(run, file, roles, version=self._version, rng=self._rng("static"))
        write_dataset(dataset, self._folder / "dataset.parquet")
        told = {
            "n_episodes": len(roles),
            "n_negative": sum(label is False for label, _ in roles.values()),
            "n_samples": len(dataset.samples),
            "n_targets": dataset.n_targets,
        }
        return Done(dataset.digest(), told)

    def _train(self) -> Done:
        dataset = read_dataset(self._folder / "dataset.parquet")
        trainer = self._setup.trainer()
        drift = self._checks().drift(dataset.samples, self._version, self._parent)
        if drift.is_alarming:
            self._setup.observer.on_notice(
                f"round {self._number}: what the engine told of its draws is {drift.mean:.2g} nats "
                f"from what the trainer computes, above {drift.level:g}"
            )
        shutil.rmtree(self.candidate.parent, ignore_errors=True)
        report = trainer.train(
            dataset,
            self._options(),
            self.candidate,
            previous=self._parent,
            on_progress=self._setup.observer.on_progress,
        )
        told = {
            "losses": [step.loss for step in report.steps],
            "n_tokens": report.n_tokens,
            "drift": asdict(drift),
            "alarm": drift.is_alarming,
        }
        return Done(fingerprint(self.candidate, whole=True), told)

    def _evaluate(self) -> Done:
        adapter = self.candidate if self._number else None
        run = self._run(self._setup.plays.evaluating(adapter), "evaluate")
        scored = read_scored(run, self._file, self._setup.plays.states.populations)
        write_scored(scored, self._folder / "evaluated.jsonl")
        figures = figures_of(
            scored,
            n_failed=run.summary.n_failed,
            seed=self._seed("bootstrap"),
            divergences={one.episode: [0.0] for one in scored}
            if adapter is None
            else self._checks().kl_to_base(run, adapter),
        )
        return Done(run.digest, {**_counts(run), **figures.as_dict()})

    def _gate(self) -> Done:
        """See whether the version is rated as well as the one before, whatever its harm."""
        assert self._last is not None, "a round begins with a version"
        rating, before = _rating(self.record), _rating(self._last)
        margin = self._file.gate.margin
        passes = rating is not None and (before is None or rating >= before - margin)
        told = {"rating": rating, "before": before, "margin": margin, "passes": passes}
        return Done(digest_of(told), told)

    def _publish(self) -> Done:
        if not self.record.figures("gate")["passes"]:
            return Done("", {"published": False})
        folder = self._setup.directory.path / self.candidate.name
        digest = fingerprint(self.candidate, whole=True)
        if not folder.exists():
            with publishing(folder) as made:
                for path in sorted(self.candidate.iterdir()):
                    shutil.copyfile(path, made / path.name)
        elif fingerprint(folder, whole=True) != digest:
            raise RunDirectoryError(
                f"{folder} is there already and is not what this round has made; move it away"
            )
        return Done(digest, {"published": True})

    def _run(self, file: RunFile, name: str) -> Run:
        """Play, or play on, what is a run of its own."""
        launch = prepare(file, out=self._folder / name, hosts=self._file.hosts, resume=True)
        observer, n_done = self._setup.observer, len(Run(launch.directory.path).log.ended())
        observer.on_episodes(n_done, file.episodes)
        counted = self._counted(file.episodes, n_done)
        return launch.run(Observer(on_episode=counted, on_notice=observer.on_notice))

    def _counted(self, n_all: int, n_done: int = 0) -> Callable[[object], None]:
        """What is called with each episode, or case, that has ended, and tells how many have."""
        numbers = count(n_done + 1)
        return lambda _ended: self._setup.observer.on_episodes(next(numbers), n_all)

    def _options(self) -> TrainingOptions:
        file = self._file
        rate = decayed(file.train.learning_rate, file.learning_rate_factor, self._number - 1)
        return replace(file.train, learning_rate=rate, seed=self._seed("train", file.train.seed))

    def _checks(self) -> Checks:
        return Checks(self._file, self._setup.plays, self._setup.trainer())

    def _rng(self, what: str) -> np.random.Generator:
        return np.random.default_rng(self._seed(what))

    def _seed(self, *what: str | int) -> int:
        return derive(self._file.seed, "round", self._number, *what)


def _rating(record: RoundRecord) -> float | None:
    """The mean rating on states that are held out."""
    rating = record.figures("evaluate")["whole"]["rating"]
    return None if rating is None else rating["mean"]


def _counts(run: Run) -> dict[str, Any]:
    usage = run.summary.usage
    return {
        "n_prompt_tokens": usage["prompt_tokens"],
        "n_completion_tokens": usage["completion_tokens"],
    }


def versions(records: Sequence[RoundRecord]) -> list[RoundRecord]:
    """Of rounds by number: the base, and those whose versions were published."""
    return [record for record in records if not record.number or record.is_published]
