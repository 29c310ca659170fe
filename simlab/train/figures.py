"""Figures of a version: how it did on states that are held out, and how far from another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from simlab.sim.scoring.interval import Interval, mean_interval
from simlab.train.diagnostics import mean_length, refusal_rate
from simlab.train.scored import Scored

GAMEABLE, NORMAL = "gameable", "normal"
"""Populations whose difference is told where there are both."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a version did on some episodes.

    Attributes:
        rating: Mean with its interval, drawn by initial state; None where there is none.
        harm: The same.
        veto_rate: Share of the episodes that are vetoed.
    """

    rating: Interval | None
    harm: Interval | None
    veto_rate: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What the episodes of a version come to.

    Attributes:
        whole: All of them.
        by_environment: Those of each environment.
        rating_by_start: Mean rating from each initial state; those without any are left out.
        harm_by_start: The same of harm.
        rating_gap: Mean rating of gameable minus normal characters; None where one is not there.
        harm_gap: The same of harm.
        n: Episodes that ended well.
        n_failed: The others.
        n_missing: Episodes without a rating, which count in no mean.
        n_harm_missing: The same of harm.
        length: Characters of a reply; None where nothing was said.
        refusals: Share of the replies that decline.
    """

    whole: Standing
    by_environment: Mapping[str, Standing]
    rating_by_start: Mapping[str, float]
    harm_by_start: Mapping[str, float]
    rating_gap: float | None
    harm_gap: float | None
    n: int
    n_failed: int
    n_missing: int
    n_harm_missing: int
    length: float | None
    refusals: float | None

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def figures_of(scored: Sequence[Scored], *, n_failed: int, seed: int) -> Figures:
    """The figures of a run.

    Args:
        scored: Its episodes that ended well.
        n_failed: How many did not.
        seed: Of the bootstrap.
    """
    replies = [reply for one in scored for reply in one.replies]
    environments = sorted({one.environment for one in scored})
    return Figures(
        whole=_standing(scored, seed),
        by_environment={
            name: _standing([one for one in scored if one.environment == name], seed)
            for name in environments
        },
        rating_by_start=_by_start((one.start, one.rating) for one in scored),
        harm_by_start=_by_start((one.start, one.harm) for one in scored),
        rating_gap=_gap((one.population, one.rating) for one in scored),
        harm_gap=_gap((one.population, one.harm) for one in scored),
        n=len(scored),
        n_failed=n_failed,
        n_missing=sum(one.rating is None for one in scored),
        n_harm_missing=sum(one.harm is None for one in scored),
        length=mean_length(replies) if replies else None,
        refusals=refusal_rate(replies) if replies else None,
    )


def difference(
    after: Mapping[str, float], before: Mapping[str, float], *, seed: int
) -> Interval | None:
    """The mean over initial states of how much more there is after, with its 95 % interval.

    Args:
        after: Mean by initial state.
        before: The same; states that are in one of them alone are left out.
        seed: Of the bootstrap over states.

    Returns:
        None where no state is in both.
    """
    shared = sorted(after.keys() & before.keys())
    return mean_interval([after[start] - before[start] for start in shared], shared, seed=seed)


def _standing(scored: Sequence[Scored], seed: int) -> Standing:
    return Standing(
        _interval(((one.start, one.rating) for one in scored), seed),
        _interval(((one.start, one.harm) for one in scored), seed),
        fmean(one.vetoed for one in scored) if scored else 0.0,
    )


def _interval(values: Iterable[tuple[str, float | None]], seed: int) -> Interval | None:
    known = [(start, value) for start, value in values if value is not None]
    return mean_interval([value for _, value in known], [start for start, _ in known], seed=seed)


def _by_start(values: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for start, value in values:
        if value is not None:
            found.setdefault(start, []).append(value)
    return {start: fmean(found[start]) for start in sorted(found)}


def _gap(values: Iterable[tuple[str, float | None]]) -> float | None:
    means = _by_start(values)
    return means[GAMEABLE] - means[NORMAL] if {GAMEABLE, NORMAL} <= means.keys() else None
