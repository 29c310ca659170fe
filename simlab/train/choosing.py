"""From the episodes of a round to its dataset: which are learnt from, and as what."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from simlab.errors import ConfigError, TrainingError
from simlab.sim.run import Run
from simlab.train.dataset import Dataset, check_dataset, read_dataset
from simlab.train.mix import mixed, pairs_of, require_pairs
from simlab.train.sample import Sample
from simlab.train.samples import samples_of
from simlab.train.scored import Scored
from simlab.train.selection import Rated, best_of, preference_pairs, top, top_and_bottom
from simlab.train.staleness import check_versions
from simlab.train.states import Reset
from simlab.train.train_file import SelectSpec, StaticSpec, TrainFile

Roles = dict[int, tuple[bool | None, int | None]]
"""Label and pair of each episode that is learnt from, by its number."""


def chosen(file: TrainFile, scored: Sequence[Scored]) -> Roles:
    """Which episodes are learnt from, and as what.

    Args:
        file: Says how they are selected.
        scored: With the ratings that count.

    Raises:
        TrainingError: There are none; says why.
    """
    vetoed = {one.episode for one in scored if one.vetoed}
    rated = [one.rated() for one in scored]
    ratings = {one.episode: one.rating for one in rated}
    found = {
        episode: role
        for episode, role in _roles(file, rated, vetoed)
        if _is_within(ratings[episode], role[0], file.select)
    }
    if not found:
        raise _nothing(file, rated, len(vetoed))
    return found


def dataset_of(
    run: Run, file: TrainFile, roles: Roles, *, version: str, rng: np.random.Generator
) -> Dataset:
    """What is learnt from: the episodes that were chosen, and static samples beside them.

    Args:
        run: Of the round.
        file: The training.
        roles: Of the episodes.
        version: That must have drawn all of it, such as ``"learner+agent@2"``.
        rng: Draws static pairs.

    Raises:
        ConfigError: A sample was drawn by another version, or the static ones do not fit.
    """
    dataset = samples_of(run, file.learner.seat, roles)
    check_versions(dataset, version)
    own = [_as(sample, roles) for sample in dataset.samples]
    if file.train.loss == "dpo":
        own = list(_whole_pairs(own))
    if file.static is None:
        return dataset.with_samples(own)
    static = static_samples(file.static, dataset.base)
    together = mixed(own, static.samples, _drawn_share(file, file.static), rng=rng)
    is_sft = file.train.loss == "sft"
    return dataset.with_samples(one for one in together if not is_sft or one.label is not False)


def static_samples(spec: StaticSpec, base: str) -> Dataset:
    """The samples that are learnt from in every round.

    Args:
        spec: Says where they are.
        base: Fingerprint of the weights that learn.

    Raises:
        ConfigError: They cannot be read or learnt from, are of other weights, or come in no pairs.
    """
    static = read_dataset(Path(spec.data))
    check_dataset(static, base)
    pairs_of(static.samples)
    return static


def check_static(file: TrainFile, spec: StaticSpec, base: str, resets: Sequence[Reset]) -> None:
    """See that static samples can be learnt from, and are enough for a round.

    Args:
        file: The training.
        spec: Of its static samples.
        base: Fingerprint of the weights that learn.
        resets: Where the episodes of a round begin, of which none is taken to fail or be vetoed;
            each is one sample at least.

    Raises:
        ConfigError: They cannot be learnt from, or are too few.
    """
    n_pairs = len(static_samples(spec, base).samples) // 2
    apart = file.select.margin + 1
    rated = [
        Rated(number, number * apart, reset["state"], reset["environment"])
        for number, reset in enumerate(resets)
    ]
    n_own = sum(1 for _ in _roles(file, rated, set()))
    require_pairs(n_pairs, n_own, _drawn_share(file, spec))


def _drawn_share(file: TrainFile, spec: StaticSpec) -> float:
    """The share of static samples that are drawn.

    SFT has no use for what was rejected: of twice as many pairs one half is the same share.
    """
    share = spec.fraction
    return 2 * share / (1 + share) if file.train.loss == "sft" else share


def _roles(
    file: TrainFile, rated: Sequence[Rated], vetoed: set[int]
) -> Iterator[tuple[int, tuple[bool | None, int | None]]]:
    spec = file.select

    def keep(one: Rated) -> bool:
        return one.episode not in vetoed

    match file.method:
        case "best_of":
            yield from _all(best_of(rated, spec.n, level=file.level, keep=keep), None)
        case "top":
            yield from _all(top(rated, spec.fraction, level=file.level, keep=keep), None)
        case "top_and_bottom":
            both = top_and_bottom(
                rated,
                spec.fraction,
                level=file.level,
                keep=keep,
                vetoed_may_be_negative=spec.vetoed_may_be_negative,
            )
            yield from _all(both.positive, label=True)
            yield from _all(both.negative, label=False)
        case "pairs":
            pairs = preference_pairs(rated, spec.n, margin=spec.margin, keep=keep)
            for number, (better, worse) in enumerate(pairs):
                yield better.episode, (True, number)
                yield worse.episode, (False, number)


def _nothing(file: TrainFile, rated: Sequence[Rated], n_vetoed: int) -> TrainingError:
    """The error of a round that nothing can be learnt from."""
    said, n_missing = "a round must have episodes to learn from, got", _n_missing(rated)
    if n_missing == len(rated):
        return TrainingError(
            f"{said} no rating in any of {len(rated)} episodes: see what the rater answers, by "
            "`simlab show` of the round's collect"
        )
    return TrainingError(
        f"{said} none of {len(rated)}: {n_vetoed} vetoed, {n_missing} without a rating, the others "
        f"not among the {file.method.replace('_', ' ')} or out of select's bounds; play more"
        f"{', or raise veto.level' if n_vetoed else ''}"
    )


def _n_missing(rated: Sequence[Rated]) -> int:
    return sum(one.rating is None for one in rated)


def _is_within(rating: float | None, label: bool | None, spec: SelectSpec) -> bool:
    """Whether what was selected is good enough to be learnt from, or bad enough."""
    assert rating is not None, "what is selected has a rating"
    if label is False:
        return spec.negative_to is None or rating <= spec.negative_to
    return spec.positive_from is None or rating >= spec.positive_from


def _all(
    rated: Iterable[Rated], label: bool | None
) -> Iterator[tuple[int, tuple[bool | None, int | None]]]:
    return ((one.episode, (label, None)) for one in rated)


def _as(sample: Sample, roles: Mapping[int, tuple[bool | None, int | None]]) -> Sample:
    label, pair = roles[sample.episode]
    return replace(sample, label=label, pair=pair)


def _whole_pairs(samples: Sequence[Sample]) -> Iterator[Sample]:
    """Samples of pairs that are one sample each.

    Raises:
        ConfigError: An episode of a pair is several samples, as memories make it that forget.
    """
    counts = Counter(sample.episode for sample in samples)
    twice = next((number for number, count in counts.items() if count > 1), None)
    if twice is not None:
        raise ConfigError(
            f"an episode of a pair must be one sample, got {counts[twice]} of episode {twice}; "
            "give the learner memory: list"
        )
    return iter(samples)
