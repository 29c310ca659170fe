"""Who looks on while a training goes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simlab.train.progress import OnProgress


@dataclass(frozen=True, slots=True)
class TrainingObserver:
    """Is told what happens, in the process that trains.

    Attributes:
        on_phase: With the number of a round and the phase that begins.
        on_episodes: With how many episodes of the phase have ended, and of how many.
        on_progress: How far a training job is.
        on_round: With the row of the table of a round that has ended.
        on_notice: With words on what a person should know, such as a host that died.
        on_trial: With how far the judge of harm can be trusted, as `try_judges` tells it.
    """

    on_phase: Callable[[int, str], None] = lambda _number, _phase: None
    on_episodes: Callable[[int, int], None] = lambda _done, _total: None
    on_progress: OnProgress = lambda _progress: None
    on_round: Callable[[Mapping[str, Any]], None] = lambda _row: None
    on_notice: Callable[[str], None] = lambda _notice: None
    on_trial: Callable[[Mapping[str, Any]], None] = lambda _trust: None
