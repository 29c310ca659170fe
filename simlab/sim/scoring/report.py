"""What a judging came to: how far its judges can be trusted, and then what they say."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from simlab.sim.scoring.agreement import krippendorff_alpha, spearman_by_pair
from simlab.sim.scoring.auc import auc
from simlab.sim.scoring.interval import Interval, mean_interval
from simlab.sim.scoring.judge_file import JudgeFile
from simlab.sim.scoring.verdict import Verdict

Series = Mapping[str, Mapping[int, float | None]]
"""Values by rater and case; None where one is missing. A panel's members are raters of their own,
named as ``panel.member``, and rate from 0 to 1 in the panel's direction."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How well a rater told the labelled cases apart.

    Attributes:
        rater: Who.
        auc: See `simlab.sim.scoring.auc`; None where the cases that it rated are of one kind.
        n: Cases that it rated.
        n_missing: Labelled cases of which it gave no value, which are left out.
        failure: Why its judge failed first, if it did.
    """

    rater: str
    auc: float | None
    n: int
    n_missing: int
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the members of a panel agree on the run's episodes.

    Attributes:
        panel: Its name.
        alpha: Krippendorff's, for interval data; None where nothing can be told.
        spearman: Rank correlation of each two members, such as ``"nudge, warns"``.
    """

    panel: str
    alpha: float | None
    spearman: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class MeanScore:
    """What a rater says of the run on average.

    Attributes:
        rater: Who.
        interval: Mean and its 95 % interval over the episodes with a value; None if there are none.
        n_missing: Episodes without a value, which are left out.
        n_failed: How many of these because the judge failed.
        failure: Why it failed first, if it did.
    """

    rater: str
    interval: Interval | None
    n_missing: int
    n_failed: int
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a judging came to.

    Attributes:
        name: Of the judging.
        n_judged: Episodes that were judged.
        n_left_out: Episodes that failed or have not ended, which are not judged.
        trials: Raters on labelled cases; to be looked at first.
        agreements: Of panels; to be looked at next.
        means: What raters say.
    """

    name: str
    n_judged: int
    n_left_out: int
    trials: Sequence[Trial]
    agreements: Sequence[Agreement]
    means: Sequence[MeanScore]

    @property
    def has_nothing(self) -> bool:
        """Whether all judges failed on all episodes."""
        return all(mean.n_failed == self.n_judged for mean in self.means)

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def report_of(
    file: JudgeFile,
    *,
    name: str,
    verdicts: Sequence[Verdict],
    on_cases: Sequence[Verdict],
    clusters: Mapping[int, Hashable],
    n_left_out: int,
) -> Report:
    """What verdicts come to.

    Args:
        file: Who judged.
        name: Of the judging.
        verdicts: On episodes.
        on_cases: On the labelled cases of the file.
        clusters: Of each episode that was judged; those alike are drawn together.
        n_left_out: Episodes that were not judged.
    """
    series = series_of(file, verdicts)
    failures = _failures(verdicts)
    of_cases = _failures(on_cases)
    return Report(
        name,
        len(clusters),
        n_left_out,
        [
            _trial(file, rater, values, of_cases.get(_judge(rater), []))
            for rater, values in series_of(file, on_cases).items()
        ],
        [_agreement(panel, series) for panel, spec in file.judges.items() if spec.judges],
        [
            _mean(rater, values, clusters, file.seed, failures.get(_judge(rater), []))
            for rater, values in series.items()
        ],
    )


def series_of(file: JudgeFile, verdicts: Sequence[Verdict]) -> Series:
    """The values of every rater, by case."""
    series: dict[str, dict[int, float | None]] = {}
    for verdict in verdicts:
        series.setdefault(verdict.judge, {})[verdict.case] = verdict.score.value
        for member in file.judges[verdict.judge].judges:
            part = verdict.score.by_criterion.get(member)
            series.setdefault(f"{verdict.judge}.{member}", {})[verdict.case] = part
    return series


def _judge(rater: str) -> str:
    return rater.partition(".")[0]


def _failures(verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    """Why judges failed, by name, in the order of cases."""
    failures: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.failed:
            failures.setdefault(verdict.judge, []).append(verdict.failed)
    return failures


def _trial(
    file: JudgeFile, rater: str, values: Mapping[int, float | None], failures: Sequence[str]
) -> Trial:
    given = {case: value for case, value in values.items() if value is not None}
    labels = [file.cases[case].labels[_judge(rater)] for case in given]
    n, n_missing = len(given), len(values) - len(given)
    return Trial(rater, auc(list(given.values()), labels), n, n_missing, "".join(failures[:1]))


def _agreement(panel: str, series: Series) -> Agreement:
    members = [rater for rater in series if rater.startswith(f"{panel}.")]
    rows = [[_number(value) for value in series[member].values()] for member in members]
    ratings = np.array(rows, dtype=float).reshape(len(members), -1)
    names = [member.partition(".")[2] for member in members]
    pairs = spearman_by_pair(ratings)
    return Agreement(
        panel,
        krippendorff_alpha(ratings),
        {f"{names[one]}, {names[other]}": rho for (one, other), rho in pairs.items()},
    )


def _mean(
    rater: str,
    values: Mapping[int, float | None],
    clusters: Mapping[int, Hashable],
    seed: int,
    failures: Sequence[str],
) -> MeanScore:
    given = {case: value for case, value in values.items() if value is not None}
    whose = [clusters[case] for case in given]
    interval = mean_interval(list(given.values()), whose, seed=seed)
    n_missing = len(values) - len(given)
    return MeanScore(rater, interval, n_missing, len(failures), "".join(failures[:1]))


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
