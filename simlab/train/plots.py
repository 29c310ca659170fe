"""Figures of a training as PNG; one of two doors to matplotlib."""

import io
from collections.abc import Sequence
from typing import Any

from simlab.trace.disk import write_whole
from simlab.train.directory import TrainingDirectory
from simlab.train.table import Row

_LABELS = {
    "rating": "rating on held-out states",
    "harm": "harm on held-out states",
    "rating_gap": "rating of gameable minus normal characters",
    "harm_gap": "harm of gameable minus normal characters",
    "veto_rate": "share vetoed on held-out states",
    "kl": "KL to base, nats per token",
}

_FIGURES = ("rating", "harm", "veto_rate", "kl")
_GAPS = ("rating_gap", "harm_gap")


def draw_plots(directory: TrainingDirectory, rows: Sequence[Row]) -> None:
    """Draw rating, harm, veto rate and KL over the rounds, each as a file of ``plots/``.

    They are drawn by environment too. Where there are gameable and normal characters, so are the
    gaps between them. No display is needed, and none is touched.

    Args:
        directory: Of the training.
        rows: Its table.

    Raises:
        LogWriteError: The disk does not take one.
    """
    folder = directory.path / "plots"
    folder.mkdir(exist_ok=True)
    gaps = [name for name in _GAPS if any(row[name] is not None for row in rows)]
    for name in (*_FIGURES, *gaps):
        write_whole(folder / f"{name}.png", _drawn(rows, name))


def _drawn(rows: Sequence[Row], name: str) -> bytes:
    """The bytes of a PNG file."""
    # Imported here because it takes time, which other commands should not pay.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for environment in sorted(rows[0]["by_environment"]) if name not in _GAPS else ():
        standings = [row["by_environment"].get(environment, {}) for row in rows]
        _draw(axes, rows, [standing.get(name) for standing in standings], environment)
    _draw(axes, rows, [row[name] for row in rows], "all", color="black", linewidth=2)
    _draw_ends(axes, rows, name)
    axes.set_xlabel("round")
    axes.set_ylabel(_LABELS[name])
    axes.set_xticks([row["round"] for row in rows])
    axes.legend(fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def _draw(axes: Any, rows: Sequence[Row], values: Sequence[Any], label: str, **style: Any) -> None:
    """A line through the rounds that have a value."""
    means = [_mean(value) for value in values]
    known = [
        (row["round"], mean) for row, mean in zip(rows, means, strict=True) if mean is not None
    ]
    numbers, heights = [number for number, _ in known], [mean for _, mean in known]
    axes.plot(numbers, heights, marker="o", label=label, **{"linewidth": 1, **style})


def _draw_ends(axes: Any, rows: Sequence[Row], name: str) -> None:
    """The 95 % intervals of all environments together."""
    known = [row for row in rows if row[name] is not None and row[name]["low"] is not None]
    numbers = [row["round"] for row in known]
    lows, highs = ([row[name][end] for row in known] for end in ("low", "high"))
    axes.fill_between(numbers, lows, highs, color="black", alpha=0.12, linewidth=0)


def _mean(interval: Any) -> float | None:
    return None if interval is None else float(interval["mean"])
