"""Who looks on while a sweep goes."""

from collections.abc import Callable
from dataclasses import dataclass

from simlab.sweep.trial import Trial


@dataclass(frozen=True, slots=True)
class SweepObserver:
    """Is told what happens, in the process that drives the sweep.

    Attributes:
        on_trial: With a trial that has reported a round, ended, or lost its process.
        on_notice: With words on what a person should know.
    """

    on_trial: Callable[[Trial], None] = lambda _trial: None
    on_notice: Callable[[str], None] = lambda _notice: None
