"""The space of a sweep: the values that keys may have, and the settings of each trial.

::

    space:
      train.learning_rate: {log_uniform: [1e-5, 1e-3]}
      train.lora.rank: {integer: [2, 16]}         # both ends may be drawn
      train.beta: {uniform: [0.05, 0.5]}
      train.schedule: {choice: [constant, linear]}
      select.n: [1, 2]                            # a list: each of them, with all others

Who is drawn follows from the sweep's seed and the number of the trial alone, so that the trials are
known before the first begins, and the same when a sweep is gone on with.
"""

import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from simlab.errors import ConfigError
from simlab.seeding import derive

Kind = Literal["grid", "choice", "uniform", "log_uniform", "integer"]

Space = Mapping[str, "Domain"]
"""By dotted key."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The values that one key may have.

    Attributes:
        kind: Whether all values have their turn, or one is drawn, and how.
        values: All of them, or the two ends between which numbers are drawn.
    """

    kind: Kind
    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        """A value, as plain data."""
        if self.kind in ("grid", "choice"):
            return self.values[rng.integers(len(self.values))]
        low, high = self.values
        if self.kind == "integer":
            return int(rng.integers(low, high, endpoint=True))
        if self.kind == "uniform":
            return float(rng.uniform(low, high))
        drawn = math.exp(rng.uniform(math.log(low), math.log(high)))
        return min(max(drawn, low), high)  # which rounding might leave


def read_domain(given: Any) -> Domain:
    """The domain that stands in a file.

    Raises:
        ValueError: It is of another form, or its ends do not fit.
    """
    kind: Any
    if isinstance(given, list):
        kind, values = "grid", given
    elif isinstance(given, dict) and len(given) == 1:
        kind, values = next(iter(given.items()))
    else:
        kind, values = None, None
    if kind not in get_args(Kind) or not isinstance(values, list) or not values:
        raise ValueError(
            "must be a list of values, or one of choice, uniform, log_uniform and integer with a "
            f"list, such as {{log_uniform: [1e-5, 1e-3]}}, got {given!r}"
        )
    if kind not in ("grid", "choice"):
        _check_ends(kind, values)
    return Domain(kind, tuple(values))


def points_of(space: Space, n_trials: int | None, *, seed: int) -> list[dict[str, Any]]:
    """The values of each trial by key.

    Args:
        space: Where lists stand, trials go through all their combinations in turn.
        n_trials: How many; None for one of each combination.
        seed: Of what is drawn.

    Raises:
        ConfigError: Combinations do not come up equally often, or nothing is drawn and some would
            come up twice.
    """
    lists = {key: domain.values for key, domain in space.items() if domain.kind == "grid"}
    cells = [dict(zip(lists, cell, strict=True)) for cell in itertools.product(*lists.values())]
    drawn = {key: domain for key, domain in space.items() if domain.kind != "grid"}
    n_trials = len(cells) if n_trials is None else n_trials
    if n_trials % len(cells) or (not drawn and n_trials != len(cells)):
        raise ConfigError(
            f"trials must be {'a multiple of ' if drawn else ''}{len(cells)}, the combinations of "
            f"the lists in space, got {n_trials!r}"
        )
    return [
        {
            key: _value(cells[trial % len(cells)], key, domain, seed, trial)
            for key, domain in space.items()
        }
        for trial in range(n_trials)
    ]


def settings_of(point: Mapping[str, Any]) -> list[str]:
    """The values of a trial, each as ``KEY=VALUE``, as `with_settings` takes it."""
    return [f"{key}={json.dumps(value)}" for key, value in point.items()]


def _value(cell: Mapping[str, Any], key: str, domain: Domain, seed: int, trial: int) -> Any:
    if domain.kind == "grid":
        return cell[key]
    return domain.draw(np.random.default_rng(derive(seed, "trial", trial, key)))


def _check_ends(kind: str, values: list[Any]) -> None:
    numbers = (int,) if kind == "integer" else (int, float)
    fit = len(values) == 2 and all(type(end) in numbers and math.isfinite(end) for end in values)
    lowest = 0 if kind == "log_uniform" else -math.inf
    if not fit or not lowest < values[0] < values[1]:
        what = "whole numbers" if kind == "integer" else "numbers"
        above = " above 0" if kind == "log_uniform" else ""
        raise ValueError(f"{kind} must have two {what}{above}, the lower one first, got {values!r}")
