"""The page of all runs."""

import gradio as gr


def runs_page() -> None:
    """A list of runs with state, progress and what each came to; our script fills it."""
    gr.HTML("<simlab-runs></simlab-runs>", apply_default_css=False)
