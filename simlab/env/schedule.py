"""Which dialogues a round has: how many of each environment, and from which initial states."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from simlab.env.dialogue_check import fault_of_fractions
from simlab.seeding import derive

OTHERS: Final = "*"
"""All populations that no fraction names."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a dialogue of a round begins from.

    Attributes:
        state: Number of the initial state, from 0.
        rollout: How manieth dialogue of the round from this state, from 0.
    """

    state: int
    rollout: int


def scheduled(
    round_number: int,
    n: int,
    n_states: int,
    *,
    scheme: Literal["sequential", "random", "fixed"] = "sequential",
    seed: int = 0,
) -> list[Start]:
    """The starts of a round, exactly `n` of them, no two alike.

    Args:
        round_number: From 0.
        n: How many.
        n_states: How many initial states there are; at least 1.
        scheme: ``sequential`` goes on where the round before has ended, and begins again after the
            last state; ``fixed`` takes the first ones in every round; ``random`` draws them anew,
            each once before any comes again.
        seed: Of random draws.

    Raises:
        ValueError: There is no state, a number is negative, or there is no such scheme.
    """
    if n_states < 1 or n < 0 or round_number < 0:
        got = f"round_number {round_number!r}, n {n!r} and n_states {n_states!r}"
        raise ValueError(f"expected a round from 0, n from 0 and at least one state, got {got}")
    match scheme:
        case "sequential":
            states = [(round_number * n + place) % n_states for place in range(n)]
        case "fixed":
            states = [place % n_states for place in range(n)]
        case "random":
            states = _shuffled(n, n_states, Random(derive(seed, "round", round_number)))
        case _:
            known = ("sequential", "random", "fixed")
            raise ValueError(f"scheme must be one of {known!r}, got {scheme!r}")
    return _numbered(states)


def counts_by_environment(
    populations: Mapping[str, str], n_per_environment: int, fractions: Mapping[str, float]
) -> dict[str, int]:
    """How many dialogues of each environment make a mix of populations.

    The total is ``n_per_environment`` times the number of environments, whatever the fractions:
    what is left over by rounding goes to the largest remainders (Hamilton's method), and within a
    population to its first environments.

    Args:
        populations: The population of each environment, by the environment's name.
        n_per_environment: On average.
        fractions: Share of each population, summing to 1; `OTHERS` for all that have none.

    Raises:
        ValueError: The fractions do not sum to 1, or one is of a population that is not there.
    """
    groups = groups_of(populations, fractions)
    shares = _apportioned(n_per_environment * len(populations), fractions)
    counts = dict.fromkeys(populations, 0)
    for name, group in groups.items():
        each, left = divmod(shares[name], len(group)) if group else (0, 0)
        counts |= {one: each + (place < left) for place, one in enumerate(group)}
    return counts


def groups_of(
    populations: Mapping[str, str], fractions: Mapping[str, float]
) -> dict[str, list[str]]:
    """The environments that share each fraction.

    Args:
        populations: As of `counts_by_environment`.
        fractions: As of `counts_by_environment`.

    Raises:
        ValueError: As `counts_by_environment` does.
    """
    if fault := fault_of_fractions(fractions):
        raise ValueError(fault)
    groups: dict[str, list[str]] = {name: [] for name in fractions}
    for environment, population in populations.items():
        name = population if population in fractions else OTHERS
        if name in groups:
            groups[name].append(environment)
    for name, group in groups.items():
        if fractions[name] and not group:
            known = tuple(dict.fromkeys(populations.values()))
            raise ValueError(f"population {name!r} has no environment; there are {known!r}")
    return groups


def _apportioned(total: int, fractions: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers as near the fractions of a total as can be, that sum to it."""
    exact = {name: total * fraction for name, fraction in fractions.items()}
    counts = {name: math.floor(share + 1e-9) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in by_remainder[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


def _shuffled(n: int, n_states: int, rng: Random) -> list[int]:
    states: list[int] = []
    while len(states) < n:
        states += rng.sample(range(n_states), min(n_states, n - len(states)))
    return states


def _numbered(states: Sequence[int]) -> list[Start]:
    seen: Counter[int] = Counter()
    starts = []
    for state in states:
        starts.append(Start(state, seen[state]))
        seen[state] += 1
    return starts
