"""Trials at once: the models and the trainer that they share, and Tune that goes on with them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import ray

from simlab.actors.ray import module_paths
from simlab.actors.system import ray_cluster
from simlab.models.claims import Claim, Machine
from simlab.models.serve import RayServe, machines_of
from simlab.models.serving import RUNNING
from simlab.sim.blocking import run_async
from simlab.sim.config import RunFile
from simlab.sweep.halving import Halving
from simlab.sweep.observer import SweepObserver
from simlab.sweep.room import Need, check_room_for, gpus_of_trainer, needs_of_models
from simlab.sweep.swept import Base, Swept, is_served
from simlab.sweep.trainer_actor import SharedTrainer, start_trainer
from simlab.sweep.trial import Trial
from simlab.sweep.trial_process import TrialProcess
from simlab.sweep.tuning import tune_trials
from simlab.train.serving import apps_of

if TYPE_CHECKING:
    from simlab.sweep.launch import Sweep


def go_on(sweep: "Sweep", trials: Sequence[Trial], observer: SweepObserver) -> None:
    """Go on with all trials that are not over.

    Args:
        sweep: Whose.
        trials: All of them, by number; brought up to date.
        observer: Is told of each that has changed.

    Raises:
        ConfigError: The cluster has not what they need, or a model cannot be served.
    """
    live = {trial.number: sweep.swept[trial.number] for trial in trials if not trial.is_over}
    for number, swept in live.items():
        swept.make(sweep.directory.trial(number))
    cluster = ray_cluster(None)
    run_async(cluster.open())
    try:
        with _shared([*live.values()], sweep.file.trainer_gpus) as trainers:
            processes = {
                number: TrialProcess(
                    sweep.file.kind,
                    sweep.file.metric,
                    sweep.directory.trial(number).resolve(),
                    swept.rounds,
                    None if swept.base is None else trainers[swept.base],
                    module_paths(),
                )
                for number, swept in live.items()
            }
            tune_trials(
                trials,
                processes,
                Halving(sweep.file.scheduler, _last_round(sweep), sweep.file.mode),
                at_once=sweep.file.at_once,
                state=sweep.state(),
                observer=observer,
            )
    finally:
        run_async(cluster.close())


@contextmanager
def _shared(swept: Sequence[Swept], share: float) -> Iterator[dict[Base, SharedTrainer]]:
    """Within the block models are served and there is a trainer; gives it by what it trains."""
    machines = machines_of()
    files = _distinct([each.played for each in swept])
    bases = list(dict.fromkeys(each.base for each in swept if each.base is not None))
    gpus = gpus_of_trainer(bases, share, machines)
    trainer = [Need("the trainer", Claim(gpus=gpus))] if bases else []
    check_room_for([*needs_of_models(files, _running(files), machines), *trainer], machines)
    with ExitStack() as stack:
        stack.enter_context(apps_of(files))
        if not bases:
            yield {}
            return
        handle = start_trainer(gpus=gpus)
        stack.callback(ray.kill, handle)
        yield {base: SharedTrainer(handle, base) for base in bases}


def _distinct(files: Sequence[RunFile]) -> list[RunFile]:
    """The files with models to be served, one of those that have the same."""
    by_models = {repr(sorted(file.models.items())): file for file in files if is_served(file)}
    return list(by_models.values())


def _running(files: Sequence[RunFile]) -> list[str]:
    """Names of the apps that are up, where any will be asked for one."""
    if not files:
        return []
    return [app.name for app in run_async(RayServe().apps()) if app.state == RUNNING]


def _last_round(sweep: "Sweep") -> int:
    return max(swept.rounds for swept in sweep.swept)
