"""The page of one run: its transcript, and what there is to be done with it."""

import gradio as gr

from simlab.apps.pages.charts_tab import charts_tab
from simlab.apps.tables import Tables


def run_page(tables: Tables) -> None:
    """Tabs of one run, the one that ``?run=`` names; our script fills the transcript.

    Args:
        tables: What its charts are drawn from.
    """
    with gr.Tabs():
        with gr.Tab("Transcript"):
            gr.HTML("<simlab-run></simlab-run>", apply_default_css=False)
        charts_tab(tables)
