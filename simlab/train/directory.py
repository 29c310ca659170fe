"""The directory of a training: what was asked for, its versions and its rounds.

::

    train.yaml                 what is trained, how, from which seed; versions and weights
    agent@1/                   a version that was published; see `simlab.train.adapter`
    rounds/000/cases/          the record of the labelled cases on which judges of harm are tried
    rounds/000/evaluate/       a run: how the base does on states that are held out
    rounds/001/collect/        a run: what was played to learn from
    rounds/001/scored.jsonl    its episodes and what they were rated
    rounds/001/dataset.parquet what was learnt from
    rounds/001/candidate/      the version, before it is known whether it is published
    rounds/001/evaluate/       a run: how it does
    rounds/001/round.json      which phases are done, from what, and what they came to
    table.json, table.parquet  the table of rounds
    plots/                     figures as PNG
"""

from dataclasses import dataclass
from pathlib import Path

from simlab.sim.record_directory import RecordDirectory
from simlab.train.round_record import RoundRecord, read_round


@dataclass(frozen=True, slots=True)
class TrainingDirectory(RecordDirectory):
    """A training's directory."""

    KIND = "training"
    FILE = "train.yaml"
    FORMAT = 1
    RUNS = (("training", "run"),)

    def round(self, number: int) -> Path:
        """The folder of a round."""
        return self.path / "rounds" / f"{number:03}"

    def rounds(self) -> list[RoundRecord]:
        """The records of all rounds that have begun, by number.

        Raises:
            RunDirectoryError: One cannot be read.
        """
        folders = sorted((self.path / "rounds").glob("[0-9]*"), key=lambda path: int(path.name))
        found = [read_round(folder) for folder in folders]
        return [record for record in found if record is not None]

    def plots(self) -> list[Path]:
        """The figures that were drawn, by name."""
        return sorted((self.path / "plots").glob("*.png"))
