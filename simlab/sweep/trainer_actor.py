"""The trainer that all trials share: a Ray actor, which loads weights once for all of them."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from simlab.actors.ray import cause_of, module_paths
from simlab.errors import TrainingError
from simlab.models.cores import spare_cores
from simlab.stray import first_line
from simlab.sweep.swept import Base
from simlab.train.adapter import require_new
from simlab.train.any_trainer import AnyTrainer
from simlab.train.dataset import Dataset
from simlab.train.options import TrainingOptions
from simlab.train.progress import OnProgress, TrainingReport
from simlab.train.sample import Sample

_MAX_DEATHS = 3
"""After so many deaths the trainer comes back no more."""

_LOOK_S = 30.0
"""How often it is seen to that the trainer is alive, in seconds, while a job goes on."""

_ANSWER_S = 120.0
"""A trainer that does not say so long that it is alive is taken for hung."""

_ALIVE = "alive"
"""The thread of the actor that answers while another one computes."""


@dataclass(frozen=True, slots=True)
class TrainerStatistics:
    """What a trainer has done since it was started.

    Attributes:
        pid: Of its process.
        loads: How often it has loaded weights.
        jobs: How many adapters it has been asked to train.
    """

    pid: int
    loads: int
    jobs: int


class TrainerActor:
    """Trains for others; what it is asked for first is loaded, once.

    Args:
        paths: Where the driver finds modules.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        sys.path.extend(path for path in paths if path not in sys.path)
        self._trainers: dict[Base, AnyTrainer] = {}
        self._jobs = 0

    def train(
        self,
        base: Base,
        dataset: Dataset,
        options: TrainingOptions,
        out: Path,
        previous: Path | None,
    ) -> TrainingReport:
        """See `Trainer.train`; what is at `out` is of a job that was cut off, and goes."""
        self._jobs += 1
        shutil.rmtree(out, ignore_errors=True)
        return self._trainer(base).train(dataset, options, out, previous=previous)

    def logprobs(
        self, base: Base, samples: Sequence[Sample], adapter: Path | None, micro_tokens: int
    ) -> list[tuple[float, ...]]:
        """See `Trainer.logprobs`."""
        return self._trainer(base).logprobs(samples, adapter, micro_tokens=micro_tokens)

    @ray.method(concurrency_group=_ALIVE)
    def statistics(self) -> TrainerStatistics:
        """What it has done; answers while a job goes on."""
        return TrainerStatistics(os.getpid(), len(self._trainers), self._jobs)

    def _trainer(self, base: Base) -> AnyTrainer:
        if base not in self._trainers:
            from simlab.train.trainer import Trainer  # torch takes seconds

            self._trainers[base] = Trainer(
                base.weights,
                dtype=base.dtype,
                device=base.device,
                threads=base.threads or spare_cores(),
            )
        return self._trainers[base]


class SharedTrainer:
    """A trainer in another process, as trials have it; see `AnyTrainer`. It pickles.

    A job whose process dies is done anew by the one that comes in its place.

    Args:
        handle: Of the Ray actor.
        base: What is trained.
    """

    def __init__(self, handle: ActorHandle[TrainerActor], base: Base) -> None:
        self._handle: Any = handle
        self._base = base

    def train(
        self,
        dataset: Dataset,
        options: TrainingOptions,
        out: Path,
        *,
        previous: Path | None = None,
        on_progress: OnProgress | None = None,  # noqa: ARG002 - the report has all steps
    ) -> TrainingReport:
        """Train an adapter and publish it; progress is not told, since it is made elsewhere."""
        require_new(out)
        report: TrainingReport = self._ask("train", dataset, options, out, previous)
        return report

    def logprobs(
        self, samples: Sequence[Sample], adapter: Path | None = None, *, micro_tokens: int = 4096
    ) -> list[tuple[float, ...]]:
        """The log-probability of each target of each sample."""
        found: list[tuple[float, ...]] = self._ask("logprobs", samples, adapter, micro_tokens)
        return found

    def _ask(self, method: str, *args: Any) -> Any:
        """What a job gives, whatever becomes of the process that does it.

        Raises:
            TrainingError: It has died too often, or is hung.
        """
        died: RayActorError | None = None
        for _ in range(_MAX_DEATHS + 1):
            try:
                return self._wait(getattr(self._handle, method).remote(self._base, *args))
            except RayTaskError as error:
                raise cause_of(error) from None
            except RayActorError as error:
                died = error
        assert died is not None, "else there was an answer"
        raise TrainingError(
            f"the trainer has died in {_MAX_DEATHS + 1} of {_MAX_DEATHS + 1} jobs: "
            f"{first_line(died)}; see that it has memory enough, or set trainer.device"
        ) from died

    def _wait(self, answer: Any) -> Any:
        """Wait for an answer as long as the trainer is alive."""
        while not ray.wait([answer], timeout=_LOOK_S)[0]:
            try:
                ray.get(self._handle.statistics.remote(), timeout=_ANSWER_S)
            except GetTimeoutError as error:
                raise TrainingError(
                    f"the trainer has not answered for {_ANSWER_S:g} s: it is hung, or no machine "
                    "has room for it any more; go on by --resume"
                ) from error
        return ray.get(answer)


def start_trainer(*, gpus: float) -> ActorHandle[TrainerActor]:
    """Start the actor; it claims no CPUs, and loads nothing yet.

    Args:
        gpus: That it claims.
    """
    options: dict[str, Any] = {
        "num_cpus": 0,
        "num_gpus": gpus,
        "max_restarts": _MAX_DEATHS,
        "max_task_retries": 0,  # `SharedTrainer` asks anew, once it knows
        "concurrency_groups": {_ALIVE: 1},
        "scheduling_strategy": "SPREAD",
    }
    actor: Any = ray.remote(**options)(TrainerActor)
    handle: ActorHandle[TrainerActor] = actor.remote(module_paths())
    return handle
