"""Plots: all charts that can be drawn, by the columns of the tables that they are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from simlab.errors import NotFoundError
from simlab.view.bounds import cut

Of = Literal["turns", "episodes", "load", "rounds"]
Mark = Literal["line", "point", "bar"]


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart that can be drawn.

    Attributes:
        of: Whose table it is drawn from.
        title: What it shows.
        mark: How a point is drawn.
        x: The column that goes to the right.
        columns: Those that go up; one that ends in a colon is all that begin so.
        x_title: Name of the axis to the right.
        y_title: Name of the axis up.
        by: Columns whose values tell lines apart, beside the names of `columns`.
        needs_some: Whether nothing but zeros is not worth a chart, as where nobody is rewarded.
    """

    of: Of
    title: str
    mark: Mark
    x: str
    columns: tuple[str, ...]
    x_title: str
    y_title: str
    by: tuple[str, ...] = ()
    needs_some: bool = False


def _by_turn(title: str, column: str, y_title: str) -> Plot:
    mark: Mark = "line" if column == "return" else "point"  # ratings may be many turns apart
    return Plot("turns", title, mark, "step", (column,), "turn", y_title, ("seat", "episode"))


def _over_episodes(title: str, y_title: str, *columns: str) -> Plot:
    some = columns == ("return:",)
    return Plot("episodes", title, "point", "episode", columns, "episode", y_title, (), some)


def _by_start(title: str, y_title: str, column: str) -> Plot:
    some = column == "return:"
    return Plot("episodes", title, "bar", "start", (column,), "where it began", y_title, (), some)


def _load(title: str, y_title: str, *columns: str) -> Plot:
    return Plot("load", title, "line", "t_s", columns, "seconds since the beginning", y_title)


def _by_round(title: str, column: str) -> Plot:
    return Plot("rounds", title, "line", "round", (column,), "round", title.lower(), ("line",))


PLOTS: Final[Mapping[str, Plot]] = {
    "reward": _by_turn("Reward of each turn", "reward", "reward"),
    "return": _by_turn("Sum of rewards so far", "return", "sum of rewards"),
    "rating": _by_turn("Rating of each turn", "rating", "rating"),
    "labels": _by_turn("Probability of each label", "p:", "probability"),
    "returns": _over_episodes("Returns", "sum of rewards", "return:"),
    "ratings": _over_episodes("Mean ratings", "rating", "rating:"),
    "scores": _over_episodes("Scores of judges", "score", "score:"),
    "length": _over_episodes("Length", "turns", "n_steps"),
    "tokens": _over_episodes("Tokens", "tokens", "prompt_tokens", "completion_tokens"),
    "returns_by_start": _by_start("Mean return by where it began", "sum of rewards", "return:"),
    "ratings_by_start": _by_start("Mean rating by where it began", "rating", "rating:"),
    "scores_by_start": _by_start("Mean score by where it began", "score", "score:"),
    "throughput": _load("Throughput", "per second", "steps_per_s", "calls_per_s"),
    "token_rate": _load("Tokens", "tokens per second", "read_per_s", "drawn_per_s"),
    "queue": _load("Calls under way", "calls", "in_flight", "waiting"),
    "cache": _load("Share of the tokens read that was cached", "share", "cached"),
    "round_rating": _by_round("Rating", "rating"),
    "round_harm": _by_round("Harm", "harm"),
    "round_veto_rate": _by_round("Veto rate", "veto_rate"),
    "round_kl": _by_round("KL to the base, nats per token", "kl"),
    "round_rating_gap": _by_round("Gap of rating", "rating_gap"),
    "round_harm_gap": _by_round("Gap of harm", "harm_gap"),
}
"""All charts, by the names by which they are asked for."""


def plot_named(name: str) -> Plot:
    """A chart by its name.

    Raises:
        NotFoundError: There is none.
    """
    if name not in PLOTS:
        raise NotFoundError(f"plot must be one of {', '.join(PLOTS)}, got {cut(name, 80)!r}")
    return PLOTS[name]


def plots_of(of: Of) -> dict[str, Plot]:
    """All charts that are drawn from one table."""
    return {name: plot for name, plot in PLOTS.items() if plot.of == of}
