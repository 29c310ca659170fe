"""Trying judges: labelled cases are put before them, before anything is made of their scores."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simlab.actors import ActorSystem
from simlab.models.embedder import AnyModel
from simlab.sim.blocking import run_async
from simlab.sim.modelling import SharedModels, build_models, fingerprints
from simlab.sim.scoring.judge_file import JudgeFile
from simlab.sim.scoring.judging import Judging, opened
from simlab.sim.scoring.report import report_of
from simlab.sim.scoring.verdict import read_verdicts
from simlab.sim.summary import summarise
from simlab.trace.directory import RunDirectory
from simlab.trace.log import Log
from simlab.trace.trajectory import Said


def try_judges(
    file: JudgeFile,
    path: Path,
    *,
    are_served: bool = False,
    on_case: Callable[[int], None] = lambda _case: None,
) -> dict[str, Any]:
    """How far judges can be trusted: what they make of the labelled cases of their file.

    Args:
        file: Who judges, and the cases.
        path: Of the record, made where it is not there yet: what it has is asked no more.
        are_served: Whether models that hold weights are served, and not loaded here.
        on_case: As of `Judging.run`.

    Returns:
        ``trials`` and ``agreements``, on the cases, as plain data of `report.Trial` and
        `report.Agreement`; both are empty where there are no cases. With them what it took, as
        ``n_prompt_tokens`` and ``n_completion_tokens``.

    Raises:
        RunDirectoryError: The record cannot be made or read.
        LogWriteError: The disk takes no more; what was committed stays.
    """
    if not file.cases:
        return {"trials": [], "agreements": [], "n_prompt_tokens": 0, "n_completion_tokens": 0}
    data = file.model_dump(mode="json", exclude_unset=True)
    directory = opened(path, {"judging": data, "weights": fingerprints(file.models)})
    run_async(_try(file, directory, are_served, on_case))
    log = Log(directory)
    verdicts, usage = read_verdicts(log), summarise(log, len(file.cases)).usage
    clusters = {number: number for number in range(len(file.cases))}
    report = report_of(
        file, name=path.name, verdicts=verdicts, on_cases=verdicts, clusters=clusters, n_left_out=0
    )
    return {
        "trials": [asdict(trial) for trial in report.trials],
        "agreements": [asdict(agreement) for agreement in report.agreements],
        "n_prompt_tokens": usage.get("prompt_tokens", 0),
        "n_completion_tokens": usage.get("completion_tokens", 0),
    }


@asynccontextmanager
async def models_of(
    file: JudgeFile, directory: RunDirectory, *, are_served: bool = False
) -> AsyncIterator[dict[str, AnyModel]]:
    """Within the block: the models of a file of judges, by name.

    Args:
        file: Who judges.
        directory: Of the judging.
        are_served: As of `try_judges`.
    """
    owner = str(directory.path.resolve())
    async with (
        ActorSystem(hosts=0) as system,
        SharedModels(system, owner, serves_held=are_served) as shared,
    ):
        yield {**build_models(file.models), **await shared.start(file.models)}


async def judge_cases(
    file: JudgeFile,
    models: dict[str, AnyModel],
    directory: RunDirectory,
    *,
    retry_failed: bool = False,
    on_case: Callable[[int], None] = lambda _case: None,
) -> None:
    """Put the labelled cases of a file before the judges of which they tell something.

    Args:
        file: Who judges, and the cases.
        models: By name.
        directory: Of the record; locked by the caller, as a part of what it holds.
        retry_failed: As of `Judging.run`.
        on_case: As of `Judging.run`.
    """

    def read(number: int, seat: str) -> "_Case":
        return _Case(number, seat, file.cases[number].lines())

    labelled = {number: sorted(case.labels) for number, case in enumerate(file.cases)}
    judging = Judging(file, models, directory, read)
    await judging.run(labelled, retry_failed=retry_failed, on_case=on_case)


async def _try(
    file: JudgeFile, directory: RunDirectory, are_served: bool, on_case: Callable[[int], None]
) -> None:
    async with models_of(file, directory, are_served=are_served) as models:
        await judge_cases(file, models, directory, on_case=on_case)


@dataclass(frozen=True, slots=True)
class _Case:
    """A labelled case, as judges read a trajectory."""

    episode: int
    seat: str
    lines: tuple[Said, ...]

    def said(self) -> tuple[Said, ...]:
        return self.lines

    def transcript(self) -> str:
        return "\n".join(map(str, self.lines))
