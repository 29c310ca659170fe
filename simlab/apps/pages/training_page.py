"""The page of one training: its rounds, and one initial state across them."""

from typing import Any

import gradio as gr

from simlab.apps.charting import chart_of
from simlab.apps.pages.plot_parts import add_plots, filled
from simlab.apps.pages.wiring import refused
from simlab.apps.plots import plots_of
from simlab.apps.tables import Tables
from simlab.errors import SimlabError


def training_page(tables: Tables) -> None:
    """The training that ``?training=`` names; our scripts fill the table and the transcripts.

    Args:
        tables: What its charts are drawn from.
    """
    plots = plots_of("rounds")
    gr.HTML("<simlab-training></simlab-training>", apply_default_css=False)
    with gr.Tabs():
        with gr.Tab("Charts") as tab:
            refresh = gr.Button("Refresh", elem_id="charts-refresh", visible="hidden")
            with gr.Row(elem_classes=["charts"]):
                parts = add_plots(plots)
            gr.HTML("<simlab-plots></simlab-plots>", apply_default_css=False)
        with gr.Tab("Side by side"):
            gr.HTML("<simlab-side-by-side></simlab-side-by-side>", apply_default_css=False)

    async def draw(request: gr.Request) -> list[Any]:
        name = str(request.query_params.get("training", ""))
        if not name:  # a sweep, whose trials have charts of their own
            return [gr.skip()] * len(parts)
        try:
            table = await tables.read("rounds", name)
        except SimlabError as error:
            raise refused(error) from error
        return filled(chart_of(plot, table) for plot in plots.values())

    gr.on(
        [tab.select, refresh.click],
        draw,
        None,
        parts,
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=4,
    )
