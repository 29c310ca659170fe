"""The record of a round: which phases are done, from what, and what they came to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from simlab.trace.disk import read_json, write_whole
from simlab.trace.record_file import require_known

FILE = "round.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """A phase that is done.

    Attributes:
        inputs: Digest of what it was made from.
        output: Digest of what came of it.
        wall_s: How long it took, in seconds; a phase that was resumed counts from then.
        figures: What is told of it.
    """

    inputs: str
    output: str
    wall_s: float
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class RoundRecord:
    """``round.json``, which is written whole after each phase.

    Attributes:
        number: Of the round; 0 is the base, which is only compared.
        parent: Folder name of the version that it began with; empty for the base.
        phases: Those that are done, by name, in order.
        format: Of this record.
    """

    number: int
    parent: str = ""
    phases: dict[str, PhaseRecord] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def is_published(self) -> bool:
        """Whether its version was published."""
        return "publish" in self.phases and self.phases["publish"].figures["published"]

    def figures(self, phase: str) -> dict[str, Any]:
        """What is told of a phase; nothing of one that is not done."""
        return self.phases[phase].figures if phase in self.phases else {}

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all.

        Raises:
            LogWriteError: The disk does not take it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        text = msgspec.json.format(msgspec.json.encode(self), indent=2)
        write_whole(folder / FILE, text + b"\n")


def read_round(folder: Path) -> RoundRecord | None:
    """The record of a round; None where it has not begun.

    Raises:
        RunDirectoryError: It cannot be read, or is from a newer version.
    """
    path = folder / FILE
    record = read_json(path, RoundRecord)
    if record is not None:
        require_known(path, record.format, newest=FORMAT)
    return record
