"""Asynchronous successive halving: which trials are stopped before their end.

Ray Tune's own scheduler decides (Li et al. 2020, "A System for Massively Parallel Hyperparameter
Tuning", algorithm 2). It is told rounds and values here and no trials of Tune's, so that what is
recorded of a sweep brings it to where it was: it knows what each trial had at each rung, in
whatever order it hears of it.
"""

from types import SimpleNamespace
from typing import Any, Literal

from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from simlab.sweep.sweep_file import SchedulerSpec
from simlab.sweep.trial import Report


class Halving:
    """Stops trials that are not among the best of a rung.

    Args:
        spec: Where rungs are and how many go on; its name says whether any is stopped at all.
        rounds: Number of the last round; of trials that differ in it, the highest.
        mode: Whether more or less is better.
    """

    def __init__(self, spec: SchedulerSpec, rounds: int, mode: Literal["max", "min"]) -> None:
        self._known: dict[int, Any] = {}
        self._scheduler: Any = None
        if spec.name == "asha" and rounds > spec.grace:
            self._scheduler = ASHAScheduler(
                time_attr="round",
                metric="value",
                mode=mode,
                max_t=rounds,
                grace_period=spec.grace,
                reduction_factor=spec.factor,
                stop_last_trials=False,  # it asks each trial once at each rung
            )

    def stops(self, trial: int, report: Report) -> bool:
        """Hear of a report, and say whether the trial is to go no further.

        Args:
            trial: Its number.
            report: One that was heard before changes nothing; one without a value stops nobody.
        """
        if self._scheduler is None or report.value is None:
            return False
        if trial not in self._known:
            self._known[trial] = SimpleNamespace(trial_id=str(trial))
            self._scheduler.on_trial_add(None, self._known[trial])
        told = {"round": report.round, "value": report.value}
        decision = self._scheduler.on_trial_result(None, self._known[trial], told)
        return bool(decision == TrialScheduler.STOP)
