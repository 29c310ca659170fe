"""The page of one training: its rounds, and one initial state across them."""

import gradio as gr

from simlab.apps.charting import chart_of
from simlab.apps.pages.plot_parts import DRAWING, Update, add_plots, filled
from simlab.apps.pages.wiring import ours, refusing
from simlab.apps.plots import plots_of
from simlab.apps.tables import Tables


def training_page(tables: Tables) -> None:
    """The training that ``?training=`` names; our scripts fill the table and the transcripts.

    Args:
        tables: What its charts are drawn from.
    """
    plots = plots_of("rounds")
    ours("<simlab-training></simlab-training>")
    with gr.Tabs():
        with gr.Tab("Charts") as tab:
            refresh = gr.Button("Refresh", elem_id="charts-refresh", visible="hidden")
            with gr.Row(elem_classes=["charts"]):
                parts = add_plots(plots)
            ours("<simlab-plots></simlab-plots>")
        with gr.Tab("Side by side"):
            ours("<simlab-side-by-side></simlab-side-by-side>")

    @refusing
    async def draw(request: gr.Request) -> list[Update]:
        name = str(request.query_params.get("training", ""))
        if not name:  # a sweep, whose trials have charts of their own
            return [gr.skip()] * len(parts)
        table = await tables.read("rounds", name)
        return filled(chart_of(plot, table) for plot in plots.values())

    gr.on([tab.select, refresh.click], draw, None, parts, **DRAWING)
