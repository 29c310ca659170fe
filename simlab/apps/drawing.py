"""Drawing: a chart as a picture, without a display; a door to matplotlib."""

import io
from typing import Any, Final

from simlab.apps.charting import Chart, Point
from simlab.errors import ConfigError

_MOST_NAMED: Final = 12
"""Lines that a legend names; it would hide the chart with more."""


def draw(chart: Chart) -> bytes:
    """The bytes of a PNG file.

    Raises:
        ConfigError: Matplotlib is not installed.
    """
    # Imported here because it takes time, which the first page should not pay.
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            f"a chart as PNG needs matplotlib, which cannot be imported ({error}); run "
            "`pip install 'simlab[watch]'`, or take the CSV"
        ) from error

    figure = Figure(figsize=(9, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for at, line in enumerate(chart.lines):
        points = [point for point in chart.points if point.line == line]
        _draw_line(axes, chart, points, at)
    axes.set_title(_literal(chart.told() or chart.plot.title), fontsize="medium")
    axes.set_xlabel(chart.plot.x_title)
    axes.set_ylabel(chart.plot.y_title)
    axes.grid(alpha=0.25)
    if 0 < len(chart.lines) <= _MOST_NAMED:
        axes.legend(fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def _draw_line(axes: Any, chart: Chart, points: list[Point], at: int) -> None:
    xs: list[Any] = [point.x for point in points]
    ys = [point.y for point in points]
    label = _literal(points[0].line)
    if chart.plot.mark == "line":
        axes.plot(xs, ys, marker="." if len(xs) < 100 else "", linewidth=1.4, label=label)
    elif chart.plot.mark == "point":
        axes.scatter(xs, ys, s=14, alpha=0.7, label=label)
    else:
        width = 0.8 / len(chart.lines)
        names = list(dict.fromkeys(point.x for point in chart.points))
        places = [names.index(x) + at * width for x in xs]
        axes.bar(places, ys, width, label=label)
        middle = 0.4 - width / 2
        axes.set_xticks([n + middle for n in range(len(names))], map(_literal, map(str, names)))


def _literal(text: str) -> str:
    """A text of a run, in which nothing stands for a formula; a leading ``_`` hides a legend."""
    return "\u200b" * text.startswith("_") + text.replace("$", r"\$")
