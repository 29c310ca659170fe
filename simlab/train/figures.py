"""Figures of a version: how it did on states that are held out, and how far from another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from simlab.agents.refusal_rule import is_refusal
from simlab.sim.scoring.interval import Interval, gap_interval, mean_interval
from simlab.train.scored import Scored

GAMEABLE, NORMAL = "gameable", "normal"
"""Populations whose difference is told where there are both."""

Divergences = Mapping[int, Sequence[float]]
"""Of episodes how far each token is from the version of round 0; see `kl_terms`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a version did on some episodes: means with intervals that are drawn by initial state.

    Attributes:
        rating: Of episodes; None where there is none, as in all others.
        harm: The same.
        veto_rate: Share of the episodes that are vetoed.
        length: Characters of a reply.
        refusals: Share of the replies that decline.
        kl: How far the version is from that of round 0, in nats per token.
    """

    rating: Interval | None
    harm: Interval | None
    veto_rate: Interval | None
    length: Interval | None
    refusals: Interval | None
    kl: Interval | None


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
    """

    whole: Standing
    by_environment: Mapping[str, Standing]
    rating_by_start: Mapping[str, float]
    harm_by_start: Mapping[str, float]
    rating_gap: Interval | None
    harm_gap: Interval | None
    n: int
    n_failed: int
    n_missing: int
    n_harm_missing: int

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def figures_of(
    scored: Sequence[Scored], *, n_failed: int, seed: int, divergences: Divergences | None = None
) -> Figures:
    """The figures of a run.

    Args:
        scored: Its episodes that ended well.
        n_failed: How many did not.
        seed: Of the bootstrap.
        divergences: Of those that were computed again; None where none were.
    """
    known = divergences or {}
    environments = sorted({one.environment for one in scored})
    return Figures(
        whole=_standing(scored, known, seed),
        by_environment={
            name: _standing([one for one in scored if one.environment == name], known, seed)
            for name in environments
        },
        rating_by_start=_means((one.start, one.rating) for one in scored),
        harm_by_start=_means((one.start, one.harm) for one in scored),
        rating_gap=_gap(((one.population, one.start, one.rating) for one in scored), seed),
        harm_gap=_gap(((one.population, one.start, one.harm) for one in scored), seed),
        n=len(scored),
        n_failed=n_failed,
        n_missing=sum(one.rating is None for one in scored),
        n_harm_missing=sum(one.harm is None for one in scored),
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


def _standing(scored: Sequence[Scored], divergences: Divergences, seed: int) -> Standing:
    replies = [(one.start, reply) for one in scored for reply in one.replies]
    terms = [(one.start, kl) for one in scored for kl in divergences.get(one.episode, ())]
    return Standing(
        rating=_interval(((one.start, one.rating) for one in scored), seed),
        harm=_interval(((one.start, one.harm) for one in scored), seed),
        veto_rate=_interval(((one.start, one.vetoed) for one in scored), seed),
        length=_interval(((start, len(reply)) for start, reply in replies), seed),
        refusals=_interval(((start, is_refusal(reply)) for start, reply in replies), seed),
        kl=_interval(terms, seed),
    )


def _interval(values: Iterable[tuple[str, float | None]], seed: int) -> Interval | None:
    known = [(start, value) for start, value in values if value is not None]
    return mean_interval([value for _, value in known], [start for start, _ in known], seed=seed)


def _by_start(values: Iterable[tuple[str, float | None]]) -> dict[str, list[float]]:
    """Values that are not missing, by initial state."""
    found: dict[str, list[float]] = {}
    for start, value in values:
        if value is not None:
            found.setdefault(start, []).append(value)
    return {start: found[start] for start in sorted(found)}


def _means(values: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    return {start: fmean(known) for start, known in _by_start(values).items()}


def _gap(values: Iterable[tuple[str, str, float | None]], seed: int) -> Interval | None:
    """Gameable minus normal; the states of either are drawn by themselves."""
    every = list(values)
    ones, others = (
        _by_start((start, value) for of, start, value in every if of == population)
        for population in (GAMEABLE, NORMAL)
    )
    return gap_interval(ones, others, seed=seed)
