"""The tab of a run's charts: by turn, over episodes, and of its load."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import gradio as gr
from gradio.blocks import Block

from simlab.apps.charting import chart_of
from simlab.apps.pages.plot_parts import DRAWING, Update, add_plots, filled
from simlab.apps.pages.wiring import ours, refusing
from simlab.apps.plots import Of, plots_of
from simlab.apps.tables import By, Tables

_SHOWN: Final[Sequence[tuple[str, Of]]] = (
    ("By turn", "turns"),
    ("Over episodes", "episodes"),
    ("Load over time", "load"),
)
_BY: Final[Sequence[tuple[str, By]]] = (
    ("nothing more", ""),
    ("environment", "environment"),
    ("initial state", "state"),
)
_NONE: Final = {
    "turns": "No rewards and no ratings in the turns of these episodes yet.",
    "episodes": "No episodes yet.",
    "load": "Nothing was done yet.",
}


def charts_tab(tables: Tables) -> None:
    """A tab with the charts of the run that ``?run=`` names; goes into a `gr.Tabs`.

    Args:
        tables: What charts are drawn from.
    """
    with gr.Tab("Charts", id="charts") as tab:
        with gr.Row(elem_classes=["choices"]):
            choices = _choices()
            refresh = gr.Button("Refresh", elem_id="charts-refresh", min_width=110, scale=0)
        ours("<simlab-charts></simlab-charts>")
        note = gr.Markdown(elem_id="charts-note", visible=False)
        rows, parts = _plots()
    of, episodes, start, by = choices
    gr.on(
        [tab.select, of.change, episodes.submit, start.submit, by.change, refresh.click],
        _drawing(tables, {kind: len(of_kind) for kind, of_kind in parts.items()}),
        [*choices],
        [note, episodes, start, by, *rows, *(part for _, kind in _SHOWN for part in parts[kind])],
        js="(...chosen) => simlab.chartsChosen(chosen)",
        trigger_mode="always_last",
        **DRAWING,
    )


def _choices() -> tuple[gr.Radio, gr.Textbox, gr.Number, gr.Dropdown]:
    """Whose charts, of which episodes, from which turn, and told apart by what."""
    return (
        gr.Radio([*_SHOWN], value="turns", label="Charts", elem_id="charts-of"),
        gr.Textbox("0", label="Episodes, such as 0-3, 7", elem_id="charts-episodes"),
        gr.Number(0, label="From turn", precision=0, minimum=0, elem_id="charts-start"),
        gr.Dropdown([*_BY], value="", label="Tell apart by", elem_id="charts-by", visible=False),
    )


def _plots() -> tuple[list[Block], dict[Of, list[Block]]]:
    """A row for each kind of charts, and the parts in it."""
    rows: list[Block] = []
    parts: dict[Of, list[Block]] = {}
    for _, kind in _SHOWN:
        with gr.Row(visible=kind == "turns", elem_classes=["charts"]) as row:
            parts[kind] = add_plots(plots_of(kind))
        rows.append(row)
    return rows, parts


def _drawing(tables: Tables, n_parts: Mapping[Of, int]) -> Callable[..., Awaitable[list[Update]]]:
    """What draws the charts that are chosen, and leaves those of other kinds as they are."""

    @refusing
    async def draw(
        of: Of, episodes: str, start: int | None, by: By, request: gr.Request
    ) -> list[Update]:
        name = str(request.query_params.get("run", ""))
        told, parts = await _drawn(tables, of, by, (name, episodes, max(0, start or 0)))
        found = {kind: parts if kind == of else [gr.skip()] * n for kind, n in n_parts.items()}
        return [
            gr.update(value=told, visible=bool(told)),
            *(gr.update(visible=of == kind) for kind in ("turns", "turns", "episodes")),
            *(gr.update(visible=kind == of) for _, kind in _SHOWN),
            *(part for _, kind in _SHOWN for part in found[kind]),
        ]

    return draw


async def _drawn(
    tables: Tables, of: Of, by: By, of_whom: tuple[str, str, int]
) -> tuple[str, list[Update]]:
    """What is left out, in words, and what is put into the plots of one table."""
    table = await tables.read(of, *of_whom)
    charts = [chart_of(plot, table, by) for plot in plots_of(of).values()]
    told = [tables.told(of, table), *(chart.told() for chart in charts)]
    if not any(chart.points for chart in charts):
        told.append(_NONE[of])
    return "  \n".join(filter(None, told)), filled(charts)
