"""A parrot that is served, and whose replies are as long as its adapter's learning rate is high.

So a sweep over learning rates has a best trial that is known, whatever is learnt.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from simlab.models.held import EngineStatistics
from simlab.models.model import Sampling
from simlab.train.adapter import read_record
from tests.train.parrot import Parrot


@dataclass(frozen=True, slots=True)
class Perch(Parrot):
    """Says ``1000 * learning_rate`` letters of what a parrot says; the base says one.

    Attributes:
        opened_log: A file that gets the process id of each replica.
    """

    opened_log: str | None = None

    async def generate(self, prompt, sampling=Sampling(), *, session=None):
        n = 1
        if self.adapter is not None:
            n = round(1000 * read_record(Path(self.adapter)).options["learning_rate"])
        return await Parrot.generate(self, prompt, replace(sampling, max_tokens=n), session=session)

    def open(self):
        if self.opened_log is not None:
            with open(self.opened_log, "a") as file:
                file.write(f"{os.getpid()}\n")
        return _NoEngine()


class _NoEngine:
    def statistics(self):
        return EngineStatistics(0, 0, 0, 0)

    async def check_health(self):
        pass

    def close(self):
        pass
