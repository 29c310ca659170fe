"""Scoring a run again: other judges, beside it, and never in its digest.

::

    RUN/scores/NAME/run.yaml       who judged, and which run
    RUN/scores/NAME/segments/      their model calls and scores, as a run's log keeps them
    RUN/scores/NAME/scores.jsonl   one line for each episode and judge
    RUN/scores/NAME/summary.json   AUCs, agreement, means with their intervals
    RUN/scores/NAME/cases/         the record of the labelled cases
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlab.errors import ConfigError
from simlab.find import near
from simlab.sim.blocking import run_async
from simlab.sim.modelling import fingerprints
from simlab.sim.run import Run
from simlab.sim.scoring.judge_file import JudgeFile, load_judge_file
from simlab.sim.scoring.judging import Judging, opened
from simlab.sim.scoring.report import Report, report_of
from simlab.sim.scoring.trying import judge_cases, models_of
from simlab.sim.scoring.verdict import Verdict, read_verdicts
from simlab.trace.directory import RunDirectory
from simlab.trace.disk import read_json, write_whole
from simlab.trace.json_text import as_json
from simlab.trace.log import Log
from simlab.trace.trajectory import read_fold

FOLDER = "scores"
SCORES = "scores.jsonl"
SUMMARY = "summary.json"
CASES = "cases"

_MAY_DIFFER = {"name", "description", "cluster", "concurrency"}
"""Keys of a file of judges that a judging is gone on with although they have changed."""

OnCase = Callable[[int, int], None]
"""Called with how many cases were judged, and of how many."""


@dataclass(frozen=True, slots=True)
class Rescore:
    """A run that is to be scored again, checked, with its directory.

    Attributes:
        run: Which.
        file: By whom.
        directory: Where.
        clusters: Of each episode that is judged: those alike are drawn together.
        retry_failed: Whether cases where a judge failed are judged again.
    """

    run: Run
    file: JudgeFile
    directory: RunDirectory
    clusters: Mapping[int, Hashable]
    retry_failed: bool = False

    def score(self, on_case: OnCase = lambda _done, _all: None) -> Report:
        """Judge what has not been judged yet, and write down what it all comes to.

        Raises:
            LogWriteError: The disk takes no more; what was committed stays.
        """
        with self.directory.locked():
            run_async(self._score(on_case))
            verdicts = read_verdicts(Log(self.directory))
            report = report_of(
                self.file,
                name=self.directory.path.name,
                verdicts=verdicts,
                on_cases=self._verdicts_on_cases(),
                clusters=self.clusters,
                n_left_out=len(self.run.summary.episodes) - len(self.clusters),
            )
            _write(self.directory.path, verdicts, report)
        return report

    async def _score(self, on_case: OnCase) -> None:
        n_all = len(self.clusters) + len(self.file.cases)
        n_done = 0

        def count(_case: int) -> None:
            nonlocal n_done
            n_done += 1
            on_case(n_done, n_all)

        async with models_of(self.file, self.directory) as models:
            if self.file.cases:
                directory = opened(self.directory.path / CASES, self.directory.read_run())
                await judge_cases(
                    self.file, models, directory, retry_failed=self.retry_failed, on_case=count
                )
            judges = dict.fromkeys(self.clusters, sorted(self.file.judges))
            episodes = Judging(self.file, models, self.directory, self._trajectory)
            await episodes.run(judges, retry_failed=self.retry_failed, on_case=count)

    def _trajectory(self, episode: int, seat: str) -> Any:
        return read_fold(self.run.log, episode).trajectory(seat)

    def _verdicts_on_cases(self) -> list[Verdict]:
        path = self.directory.path / CASES
        return read_verdicts(Log(RunDirectory.open(path))) if self.file.cases else []


def prepare_rescore(
    directory: Path,
    file: JudgeFile | str | Path,
    *,
    name: str | None = None,
    retry_failed: bool = False,
) -> Rescore:
    """See that a run can be scored by some judges, and make or find the place beside it.

    Args:
        directory: Of the run.
        file: Who judges: a file, or what was read of one.
        name: Of the judging; by default the file's.
        retry_failed: True: cases where a judge failed are judged again.

    Raises:
        ConfigError: It cannot; nothing was made, and no model was asked.
    """
    run = Run(directory)
    judges = file if isinstance(file, JudgeFile) else load_judge_file(file)
    ended = [e.episode for e in run.summary.episodes if e.state == "ended"]
    if not ended:
        raise ConfigError(
            f"{directory} has no episode that has ended, so there is nothing to judge"
        )
    _check_seats(run, judges, ended[0])
    clusters = {episode: _cluster(run, judges, episode) for episode in ended}
    path = run.path / FOLDER / _checked_name(name or judges.name)
    data = judges.model_dump(mode="json", exclude_unset=True)
    record = {
        "judging": data,
        "run": {"digest": run.digest, "name": run.file.name},
        "weights": fingerprints(judges.models),
    }
    place = opened(path, record)
    _check_same(place, record)
    return Rescore(run, judges, place, clusters, retry_failed)


def read_reports(run: Path) -> dict[str, dict[str, Any]]:
    """What lies beside a run of judgings that have ended: their reports, by name.

    Raises:
        RunDirectoryError: One cannot be read.
    """
    reports = {}
    for path in sorted((run / FOLDER).glob(f"*/{SUMMARY}")):
        report = read_json(path, dict[str, Any], remedy="judge the run again")
        assert report is not None, "its path was found"
        reports[path.parent.name] = report
    return reports


def _check_seats(run: Run, file: JudgeFile, episode: int) -> None:
    seats = [*run.episode(episode).trajectories()]
    for name, spec in file.judges.items():
        if spec.of and spec.of not in seats:
            raise ConfigError(
                f"judges.{name}.of: the run has no seat {spec.of!r}; {near(spec.of, seats)}"
            )


def _cluster(run: Run, file: JudgeFile, episode: int) -> Hashable:
    if not file.cluster:
        return episode
    facts = run.episode(episode).facts()
    for name in file.cluster:
        if name not in facts:
            known = near(name, [*facts])
            raise ConfigError(f"cluster: episode {episode} has no fact {name!r}; {known}")
    return tuple(as_json(facts[name]) for name in file.cluster)


def _checked_name(name: str) -> str:
    if not name or name in (".", "..") or "/" in name or name.startswith("."):
        raise ConfigError(f"--name must be the name of a folder, got {name!r}")
    return name


def _check_same(directory: RunDirectory, record: Mapping[str, Any]) -> None:
    """See that a judging that is gone on with is the one that was begun.

    Raises:
        ConfigError: It is another; names what has changed.
    """
    before = directory.read_run()
    was, now = before.get("judging", {}), record["judging"]
    changed = [k for k in {**was, **now} if k not in _MAY_DIFFER and was.get(k) != now.get(k)]
    if before.get("weights") != record["weights"]:
        changed.append("weights")
    if changed:
        raise ConfigError(
            f"{directory.path} was begun with other {', '.join(changed)}; give this one another "
            "place by --name"
        )


def _write(path: Path, verdicts: list[Verdict], report: Report) -> None:
    lines = "".join(f"{as_json(verdict.as_dict())}\n" for verdict in verdicts)
    write_whole(path / SCORES, lines.encode())
    write_whole(path / SUMMARY, as_json(report.as_dict()).encode())
