"""Mounting: Gradio's pages in the application, with our scripts and nothing from elsewhere."""

import warnings
from typing import Any, Final

import gradio as gr
from fastapi import FastAPI

from simlab.apps.pages.run_page import Desks, run_page
from simlab.apps.pages.runs_page import runs_page
from simlab.apps.pages.seat_page import seat_page
from simlab.apps.pages.training_page import training_page

_HEAD: Final = """
<link rel="stylesheet" href="/page/transcript.css"><link rel="stylesheet" href="/page/shell.css">
<link rel="stylesheet" href="/page/runs.css">
<script type="module" src="/page/shell.js"></script>
"""

_SEAT_HEAD: Final = """
<link rel="stylesheet" href="page/transcript.css"><link rel="stylesheet" href="page/seat.css">
<script type="module" src="page/seat.js"></script>
"""
"""Relative: whoever has the link of a seat reaches nothing but what is below it."""


def theme() -> gr.themes.Base:
    """The transcript's indigo, and the reader's own fonts: the default's come from elsewhere."""
    return gr.themes.Default(
        primary_hue=gr.themes.colors.indigo,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )


def mount_pages(app: FastAPI, desks: Desks) -> None:
    """Mount all pages: of whoever has the link of a seat, and of whoever may see everything.

    Args:
        app: Gets them.
        desks: Who does what people ask for there.
    """
    with gr.Blocks(title="Your seat", analytics_enabled=False) as seat:
        seat_page(desks.seats)
    _mount(app, seat, "/seat/{token}", _SEAT_HEAD)
    with gr.Blocks(title="SimLab", analytics_enabled=False) as pages:
        runs_page()
    with pages.route("Run", "/run", show_in_navbar=False) as page:
        run_page(page, desks)
    with pages.route("Training", "/training", show_in_navbar=False):
        training_page(desks.tables)
    _mount(app, pages, "/", _HEAD)


def _mount(app: FastAPI, pages: gr.Blocks, path: str, head: str) -> None:
    """Mount pages; of errors they show those that were raised to be shown, see `refusing`."""
    settings: dict[str, Any] = {
        "footer_links": [],
        "run_history": False,
        "theme": theme(),
        "show_error": False,
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SSR mode is not supported")  # nobody has asked for it
        gr.mount_gradio_app(app, pages, path=path, head=head, **settings)
