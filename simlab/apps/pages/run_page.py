"""The page of one run: its transcript, and what there is to be done with it."""

from dataclasses import dataclass

import gradio as gr

from simlab.apps.branching import Branching
from simlab.apps.interviewing import Interviewing
from simlab.apps.pages.branch_panel import branch_panel
from simlab.apps.pages.charts_tab import charts_tab
from simlab.apps.pages.label_panel import label_panel
from simlab.apps.pages.seats_panel import seats_panel
from simlab.apps.pages.steer_panel import steer_panel
from simlab.apps.pages.talk_panel import talk_panel
from simlab.apps.pages.wiring import ours
from simlab.apps.reading import Reading
from simlab.apps.seats import Seats
from simlab.apps.steering import Steering
from simlab.apps.tables import Tables


@dataclass(frozen=True, slots=True)
class Desks:
    """Who does what people ask for on the pages.

    Attributes:
        reading: Reads runs.
        steering: Commands live ones.
        branching: Starts branches.
        interviewing: Asks agents.
        tables: What charts are drawn from.
        seats: Gives out links of seats.
    """

    reading: Reading
    steering: Steering
    branching: Branching
    interviewing: Interviewing
    tables: Tables
    seats: Seats


def run_page(page: gr.Blocks, desks: Desks) -> None:
    """Tabs of one run, the one that ``?run=`` names; our script fills the transcript."""
    ours('<a class="home" href="/">All runs</a>')
    with gr.Tabs(elem_id="run-tabs"):
        with gr.Tab("Transcript"):
            ours("<simlab-run></simlab-run>")
        charts_tab(desks.tables)
    with (
        gr.Sidebar(position="right", width=380, open=False, elem_id="run-side"),
        gr.Tabs(elem_id="run-panels"),
    ):
        with gr.Tab("Steer"):
            steer_panel(page, desks.steering)
        with gr.Tab("Seats"):
            seats_panel(page, desks.steering, desks.seats)
        with gr.Tab("Branch"):
            branch_panel(page, desks.steering, desks.branching)
            talk_panel(page, desks.steering, desks.interviewing)
        with gr.Tab("Label", elem_id="label-panel"):
            label_panel(page, desks.steering, desks.reading)
