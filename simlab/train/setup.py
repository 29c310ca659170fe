"""What the rounds of a training share: its file and directory, its runs, and one trainer."""

from functools import cached_property
from pathlib import Path
from typing import Any

from simlab.models.weights import EMBEDDED
from simlab.sim.places import without_places
from simlab.trace.events import digest_of
from simlab.train.any_trainer import AnyTrainer
from simlab.train.begun import without
from simlab.train.directory import TrainingDirectory
from simlab.train.observer import TrainingObserver
from simlab.train.plays import Plays
from simlab.train.train_file import TrainFile

_MAY_DIFFER = ("name", "description", "rounds", "hosts")
"""Keys with which a training is gone on with although they have changed."""


class Setup:
    """What the rounds of a training share.

    Args:
        file: What is trained.
        directory: Where.
        plays: Makes its runs.
        observer: Who looks on.
        trainer: Who trains; None for one of its own, which is made when it is first needed.
    """

    def __init__(
        self,
        file: TrainFile,
        directory: TrainingDirectory,
        plays: Plays,
        observer: TrainingObserver,
        trainer: AnyTrainer | None = None,
    ) -> None:
        self.file, self.directory = file, directory
        self.plays, self.observer = plays, observer
        self._trainer = trainer

    @cached_property
    def identity(self) -> str:
        """Digest of all in the file that decides on what comes out."""
        return digest_of(identity_of(self.file))

    def trainer(self) -> AnyTrainer:
        """The trainer, whose weights are loaded once for all rounds."""
        if self._trainer is None:
            # Imported here because torch takes seconds, which bad input should not pay.
            from simlab.train.trainer import Trainer

            own = self.file.trainer
            weights = weights_of(self.file, self.plays)
            self._trainer = Trainer(
                weights, dtype=own.dtype, device=own.device, threads=own.threads
            )
        return self._trainer


def weights_of(file: TrainFile, plays: Plays) -> str:
    """What the weights are that are trained, as `Trainer` takes them."""
    return str(file.run.models[plays.model].get("weights", EMBEDDED))


def identity_of(file: TrainFile) -> dict[str, Any]:
    """The keys of a file that decide on what comes out, wherever the files stand that it names."""
    return without(placeless(file), _MAY_DIFFER)


def placeless(file: TrainFile) -> dict[str, Any]:
    """A file as plain data, wherever the files stand that it names."""
    data = file.model_dump(mode="json", exclude_unset=True)
    data["run"] = without_places(data["run"])
    if file.static is not None:
        data["static"]["data"] = Path(file.static.data).name
    return data
