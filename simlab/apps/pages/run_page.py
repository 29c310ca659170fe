"""The page of one run: its transcript, and what there is to be done with it."""

import gradio as gr


def run_page() -> None:
    """Tabs of one run, the one that ``?run=`` names; our script fills the transcript."""
    with gr.Tabs(), gr.Tab("Transcript"):
        gr.HTML("<simlab-run></simlab-run>", container=False, padding=False)
