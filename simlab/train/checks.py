"""Checks by the trainer of what engines have drawn: drift, and how far a version is from base."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from simlab.sim.modelling import build_models
from simlab.sim.run import Run
from simlab.train.any_trainer import AnyTrainer
from simlab.train.diagnostics import kl_terms
from simlab.train.drift import ALARM_LEVELS, Drift, drift
from simlab.train.plays import Plays
from simlab.train.sample import Sample
from simlab.train.samples import samples_of
from simlab.train.train_file import TrainFile


class Checks:
    """Computes some samples again.

    Args:
        file: Says how many, and what is an alarm.
        plays: Names the model that learns, and the version that it begins with.
        trainer: Computes.
    """

    def __init__(self, file: TrainFile, plays: Plays, trainer: AnyTrainer) -> None:
        self._file = file
        model = build_models({plays.model: file.run.models[plays.model]})[plays.model]
        self._dtype = str(getattr(model, "dtype", "float32"))  # engines of users may have none
        self._base = plays.adapter
        self._trainer = trainer

    @property
    def level(self) -> float:
        """A mean drift above this is an alarm."""
        return self._file.check.level or ALARM_LEVELS[self._dtype]

    def drift(self, samples: Sequence[Sample], version: str, adapter: Path | None) -> Drift:
        """How far recorded log-probabilities are from those of the trainer.

        Args:
            samples: Some of them were drawn by the version.
            version: Its name, such as ``"learner+agent@2"``.
            adapter: Folder of the version; None for the base.
        """
        own = [sample for sample in samples if sample.version == version]
        few = own[: self._file.check.samples]
        return drift(few, self._logprobs(few, adapter), level=self.level)

    def kl_to_base(self, run: Run, adapter: Path) -> dict[int, list[float]]:
        """How far a version is from the one of round 0 on each token of some of its episodes.

        Args:
            run: That the version has played.
            adapter: Its folder.

        Returns:
            In nats, by episode; see `kl_terms`.
        """
        episodes = spread(run)[: self._file.check.samples]
        samples = samples_of(run, self._file.learner.seat, episodes).samples
        both = (self._logprobs(samples, of) for of in (adapter, self._base))
        found: dict[int, list[float]] = {}
        for sample, by_version, by_base in zip(samples, *both, strict=True):
            found.setdefault(sample.episode, []).extend(kl_terms(by_version, by_base))
        return found

    def _logprobs(self, samples: Sequence[Sample], adapter: Path | None) -> list[tuple[float, ...]]:
        micro_tokens = self._file.train.micro_tokens
        return self._trainer.logprobs(samples, adapter, micro_tokens=micro_tokens)


def spread(run: Run) -> list[int]:
    """The episodes that ended well, of all environments and initial states by turns.

    Args:
        run: Whose episodes begin where its file says.
    """
    starts, seen, places = run.file.starts, Counter[str](), {}
    ended = run.log.ended() - run.log.failed()
    for episode in sorted(ended, key=lambda number: (starts[number][1], number)):
        environment = run.file.reset_of(episode)["environment"]
        places[episode] = (seen[environment], environment)
        seen[environment] += 1
    return sorted(places, key=lambda number: places[number])
