"""The panel of seats: makes links for people, and tells who has come."""

from typing import Any, Final

import gradio as gr
from gradio.components import Component

from simlab.apps.invitation import Invitation
from simlab.apps.pages.wiring import OPENED, QUIET, READING, Read, field, ours, refusing, words_of
from simlab.apps.seats import Seats
from simlab.apps.steering import Steering
from simlab.errors import SimlabError

_HEIRS: Final = [
    ("its agent", "agent"),
    ("the default action", "default"),
    ("a pause, until somebody comes", "pause"),
]


def seats_panel(page: gr.Blocks, steering: Steering, seats: Seats) -> None:
    """What a link is to open, the link, and who sits where now.

    Args:
        page: Of the run.
        steering: Asks live runs for their seats.
        seats: Gives out the links.
    """
    read = gr.JSON(visible=False)
    place = gr.Dropdown(
        [], label="Seat, or model that a person stands in for", allow_custom_value=True
    )
    terms = _terms()
    make = gr.Button("Make the link", variant="primary", size="sm")
    link = gr.Textbox(
        label="Link: whoever has it can take this seat, and sees nothing else",
        interactive=False,
        buttons=["copy"],
        elem_id="seat-link",
    )
    ours("<simlab-leases></simlab-leases>")

    @refusing
    async def places(given: Any) -> gr.Dropdown:
        found = Read.of(given)
        known = await steering.seats(found.run) or found.seats
        return gr.Dropdown([*known, *await _models(seats, found.run)])

    @refusing
    async def make_link(request: gr.Request, given: Any, *typed: str) -> str:
        found = Read.of(given)
        token = await seats.invite(Invitation(found.run, str(found.episode), *typed))
        return seats.address(token, request.url.scheme, request.headers["host"])

    page.load(places, [read], [place], js=OPENED, **QUIET)
    make.click(make_link, [read, place, *terms], [link], js=READING, **QUIET)


async def _models(seats: Seats, run: str) -> list[str]:
    """The models that wait for a person; where they cannot be read, the page is told why."""
    try:
        return await seats.models(run)
    except SimlabError as error:
        gr.Warning(words_of(error))
        return []


def _terms() -> list[Component]:
    """In which episode, for whom, and to whom the seat goes from that person, and when."""
    with gr.Row():
        episode = field("Episode", placeholder="the one read", min_width=120)
        who = field("Name of person", min_width=120)
    lapse = gr.Radio(_HEIRS, value="agent", label="Once the person is gone, the seat goes to")
    after_s = field("Gone after so many seconds without an answer", placeholder="never")
    return [episode, who, lapse, after_s]
