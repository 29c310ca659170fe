"""Staleness: by how many versions a sample is behind the model that learns from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from simlab.errors import ConfigError
from simlab.train.dataset import Dataset
from simlab.train.sample import Sample


@dataclass(frozen=True, slots=True)
class Sifted:
    """Samples parted by how old they are.

    Attributes:
        fresh: Those that may be learnt from.
        stale: The others.
    """

    fresh: tuple[Sample, ...]
    stale: tuple[Sample, ...]


def staleness(sampled: str, current: str) -> int | None:
    """How many versions lie between the one that drew and the one that learns.

    The base is version 0 of any agent; the name before ``+`` is the run file's and plays no part.

    Args:
        sampled: Such as ``"small+agent@6"``.
        current: Such as ``"small+agent@7"``.

    Returns:
        The number of versions; None if they are versions of different agents.
    """
    (one, older), (other, newer) = _parse(sampled), _parse(current)
    if one and other and one != other:
        return None
    return newer - older


def sift(samples: Sequence[Sample], current: str, *, max_staleness: int = 0) -> Sifted:
    """Part samples by whether they are at most so many versions old, to drop or carry the others.

    Args:
        samples: Are parted.
        current: The version that learns.
        max_staleness: In versions.
    """
    fresh: list[Sample] = []
    stale: list[Sample] = []
    for sample in samples:
        age = staleness(sample.version, current)
        is_fresh = age is not None and 0 <= age <= max_staleness
        (fresh if is_fresh else stale).append(sample)
    return Sifted(tuple(fresh), tuple(stale))


def check_versions(dataset: Dataset, current: str, *, max_staleness: int = 0) -> None:
    """See that all samples were drawn by the version that learns, or by one that is near enough.

    Raises:
        ConfigError: Some were not; says how many of which versions.
    """
    stale = sift(dataset.samples, current, max_staleness=max_staleness).stale
    if stale:
        versions = sorted({sample.version for sample in stale})
        raise ConfigError(
            f"samples must be at most {max_staleness} versions behind {current!r}, got "
            f"{len(stale)} of {len(dataset.samples)} by {versions!r}; drop them, or raise "
            "max_staleness"
        )


def _parse(version: str) -> tuple[str, int]:
    """The agent and the number of a version; an adapter without a number is an agent's first."""
    name = version.partition("+")[2]
    agent, _, number = name.partition("@")
    if not name:
        return "", 0
    return agent, int(number) if number.isdecimal() else 1
