"""Tables: what charts are drawn from, read of runs and trainings as far as a moment reaches."""

import time
from collections.abc import AsyncIterator
from typing import Final, Literal

from simlab.apps.charting import by_round, episodes_in
from simlab.apps.loads import LoadPieces, Loads
from simlab.apps.plots import Of
from simlab.apps.reading import Reading
from simlab.view.series import (
    EPISODES_AT_ONCE,
    TURNS_AT_ONCE,
    EpisodePieces,
    TurnPieces,
    by_turn,
    over_episodes,
)
from simlab.view.table import Table
from simlab.view.trainings import TrainingView

By = Literal["", "environment", "state"]
"""What of where episodes began tells them apart."""

_READ_ON_S: Final = 0.8
"""How long a log is read on for its load, until what is known so far is given."""

_TOLD: Final = {
    "turns": f"The first {TURNS_AT_ONCE:,} turns; name fewer episodes, or begin later, for others.",
    "episodes": f"{EPISODES_AT_ONCE:,} episodes, spread evenly over all.",
    "load": "So far: the log is still being read.",
    "rounds": "",
}


class Tables:
    """The tables of charts.

    Args:
        reading: Of the runs.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.loads = Loads()

    async def read(self, of: Of, name: str, episodes: str = "0", start: int = 0) -> Table:
        """A table of a run or a training.

        Args:
            of: Which; ``rounds`` is of a training.
            name: By which the run or the training was listed.
            episodes: By turn: which, such as ``0-3, 7``.
            start: By turn: the first of each episode.

        Raises:
            ConfigError: The episodes are none.
            NotFoundError: There is no such run, training or episode.
            RunDirectoryError: It is not as SimLab writes it.
        """
        if of == "rounds":
            return by_round(await self.reading.of_training(name, TrainingView.rounds))
        if of == "turns":
            return await self.reading.of_run(name, by_turn, episodes_in(episodes), start)
        if of == "episodes":
            return await self.reading.of_run(name, over_episodes)
        return await self._load(name)

    async def pieces(
        self, of: Of, name: str, episodes: str = "0", start: int = 0
    ) -> AsyncIterator[Table]:
        """All of a table, however large, a bounded piece at a time; others read in between.

        Args and errors are those of `read`.
        """
        if of == "rounds":
            yield await self.read(of, name)
            return
        several = _pieces(of, episodes, start)
        table = Table(complete=False)
        while not table.complete:
            table = await self.reading.of_run(name, several.read)
            yield table

    def told(self, of: Of, table: Table) -> str:
        """What a table lacks, in words; empty where it is whole."""
        return "" if table.complete else _TOLD[of]

    async def _load(self, name: str) -> Table:
        begin_s = time.monotonic()
        while True:
            table = await self.reading.of_run(name, self.loads.read_on)
            if table.complete or time.monotonic() - begin_s > _READ_ON_S:
                return table


def _pieces(of: Of, episodes: str, start: int) -> TurnPieces | EpisodePieces | LoadPieces:
    """What gives a table of a run a piece at a time; arguments and errors as of `Tables.read`."""
    if of == "turns":
        return TurnPieces(episodes_in(episodes), start)
    return EpisodePieces() if of == "episodes" else LoadPieces()
