"""Trials at once: the models and the trainer that they share, and Tune that goes on with them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import ray

from simlab.actors.ray import module_paths
from simlab.actors.system import ray_cluster
from simlab.models.claims import Claim
from simlab.models.serve import RayServe, machines_of
from simlab.models.serving import RUNNING
from simlab.sim.blocking import run_async
from simlab.sim.config import RunFile
from simlab.sweep.directory import SweepDirectory
from simlab.sweep.halving import Halving
from simlab.sweep.observer import SweepObserver
from simlab.sweep.room import Need, check_room_for, gpus_of_trainer, needs_of_models
from simlab.sweep.sweep_file import SweepFile
from simlab.sweep.swept import Base, Swept, is_served
from simlab.sweep.trainer_actor import SharedTrainer, start_trainer
from simlab.sweep.trial import Trial
from simlab.sweep.trial_process import TrialProcess
from simlab.sweep.tuning import tune_trials
from simlab.train.serving import apps_of


def go_on(
    file: SweepFile,
    directory: SweepDirectory,
    swept: Sequence[Swept],
    trials: Sequence[Trial],
    *,
    state: Path,
    observer: SweepObserver,
) -> None:
    """Go on with all trials that are not over.

    Args:
        file: Of the sweep.
        directory: The same.
        swept: What each trial is, by number.
        trials: All of them, by number; brought up to date.
        state: A folder for what Tune keeps for itself.
        observer: Is told of each trial that has changed.

    Raises:
        ConfigError: The cluster has not what they need, or a model cannot be served.
    """
    live = {trial.number: swept[trial.number] for trial in trials if not trial.is_over}
    halving = Halving(file.scheduler, max(each.rounds for each in swept), file.mode)
    cluster = ray_cluster(None)
    run_async(cluster.open())
    try:
        with _shared(file, [*live.values()]) as trainers:
            for number, each in live.items():
                each.make(directory.trial(number))
            processes = {
                number: TrialProcess(
                    file.kind,
                    file.metric,
                    directory.trial(number).resolve(),
                    each.rounds,
                    None if each.base is None else trainers[each.base],
                    module_paths(),
                )
                for number, each in live.items()
            }
            tune_trials(
                trials, processes, halving, at_once=file.at_once, state=state, observer=observer
            )
    finally:
        run_async(cluster.close())


@contextmanager
def _shared(file: SweepFile, swept: Sequence[Swept]) -> Iterator[dict[Base, SharedTrainer]]:
    """Within the block models are served and there is a trainer; gives it by what it trains."""
    machines = machines_of()
    files = _distinct([each.played for each in swept])
    bases = list(dict.fromkeys(each.base for each in swept if each.base is not None))
    gpus = gpus_of_trainer(bases, file.trainer_gpus, machines)
    needs = [Need("trainer", Claim(gpus=gpus)), Need("trials", Claim(memory_bytes=1), file.at_once)]
    check_room_for([*needs_of_models(files, _running(files), machines), *needs], machines)
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
