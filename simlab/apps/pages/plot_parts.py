"""Plots in Gradio's pages: the components for them, and what is put into them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import gradio as gr
import pandas as pd
from gradio.blocks import Block
from gradio.components import Component

from simlab.apps.charting import Chart
from simlab.apps.pages.wiring import QUIET, ours
from simlab.apps.plots import Plot

_KINDS: Final = {"line": gr.LinePlot, "point": gr.ScatterPlot, "bar": gr.ScatterPlot}
"""Means beside each other are points: bars of several colours would be put on top of each other."""

Update = Component | dict[str, Any]
"""What a part of a page is set to."""

DRAWING: Final[Mapping[str, Any]] = {**QUIET, "concurrency_limit": 4}
"""Of an event that draws charts, which takes a while: no more than these at once."""


def add_plots(plots: Mapping[str, Plot]) -> list[Block]:
    """A part for each plot, hidden until there is something in it, with links to download it.

    A stretch that is drawn with the mouse is looked at closely, and a double click shows all again.

    Returns:
        The components that `filled` fills, in order.
    """
    return [part for name, plot in plots.items() for part in _add_plot(name, plot)]


def filled(charts: Iterable[Chart]) -> list[Update]:
    """What is shown in plots from now on; how closely they are looked at stays as it is."""
    updates: list[Update] = []
    for chart in charts:
        kind = _KINDS[chart.plot.mark]
        updates.append(gr.update(visible=bool(chart.points)))
        updates.append(kind(_frame(chart), y_lim=_limits(chart)) if chart.points else gr.skip())
    return updates


def _add_plot(name: str, plot: Plot) -> tuple[Block, Block]:
    with gr.Column(min_width=360, visible=False, elem_classes=["chart"]) as column:
        part = _KINDS[plot.mark](
            x="x",
            y="y",
            color="line",
            title=plot.title,
            x_title=plot.x_title,
            y_title=plot.y_title,
            color_title=" ",
            x_label_angle=-30 if plot.mark == "bar" else 0,
            height=320,
            show_label=False,
            buttons=["fullscreen"],
            tooltip="axis" if plot.mark == "line" else "all",
            elem_id=f"chart-{name}",
        )
        ours(f'<simlab-download plot="{name}" of="{plot.of}"></simlab-download>')
    if plot.mark != "bar":
        part.select(_zoomed, None, part, **QUIET)
        part.double_click(lambda: gr.update(x_lim=[None, None]), None, part, **QUIET)
    return column, part


def _zoomed(chosen: gr.SelectData) -> Update:
    return gr.update(x_lim=chosen.index)


def _frame(chart: Chart) -> pd.DataFrame:
    """The points as Gradio takes them.

    Two more lie far below what is shown, beside the first and the last: by these there is room at
    both edges, which would else cut points in half. To set the limits would end a closer look.
    """
    points = chart.points
    xs, ys = [point.x for point in points], [point.y for point in points]
    lines = [point.line for point in points]
    numbers = [x for x in xs if not isinstance(x, str)]
    edges = [min(numbers) - 0.5, max(numbers) + 0.5] if chart.plot.mark == "point" else []
    return pd.DataFrame(
        {
            "x": [*xs, *edges],
            "y": [*ys, *[min(ys) - 10 * (max(ys) - min(ys) + 1)] * len(edges)],
            "line": [*lines, *lines[:1] * len(edges)],
        }
    )


def _limits(chart: Chart) -> list[float | None]:
    """From where to where a plot goes up: lines may stand on the ground, points keep off it."""
    ys = [point.y for point in chart.points]
    low, high = min(ys), max(ys)
    room = 0.05 * (high - low) or 0.5
    on_ground = chart.plot.mark == "line" and low >= 0 > low - room
    return [0.0 if on_ground else low - room, high + room]
