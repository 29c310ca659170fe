"""The label panel: what people say of turns, beside the run and in no digest."""

import time
from collections.abc import Sequence
from typing import Any, Final

import gradio as gr

from simlab.apps.pages.wiring import Panel, Read, Told, field, on_open, ours
from simlab.apps.reading import Reading
from simlab.apps.steering import Steering
from simlab.errors import ConfigError
from simlab.view.labels import Label, add_label

_TURN: Final = "the turn as such"
_THIS: Final = "this turn"
_WHOLE: Final = "the whole episode"

_WHO: Final = "simlab-who"
"""Under this name the browser remembers who labels."""


def label_panel(page: gr.Blocks, steering: Steering, reading: Reading) -> None:
    """Who says what of the turn that is read, and what was said so far."""
    panel = Panel("label")
    ours("<simlab-blind></simlab-blind>")
    ours("<p class='about'>Label <simlab-read></simlab-read></p>")
    rating = gr.Radio(
        ["1", "2", "3", "4", "5"], label="Rating (keys 1 to 5)", elem_id="label-rating"
    )
    about = gr.Radio([_THIS, _WHOLE], value=_THIS, label="Of")
    seat = gr.Dropdown([_TURN], value=_TURN, label="Of whom")
    tags = field("Tags, apart by commas", placeholder="flatters, gives in")
    note = field("Note", lines=2)
    with gr.Row():
        number = field("Or a number", placeholder="3.5", min_width=80)
        who = field("Your name", min_width=120)
    button = gr.Button("Keep the label", variant="primary", size="sm")
    panel.tells()
    ours("<simlab-labels></simlab-labels>")

    async def keep(read: Read, *given: Any) -> Told:
        label = _label(read, *given)
        await reading.of_run(read.run, add_label, label)
        what = "episode" if label.step is None else f"turn {label.step} of episode"
        return {"words": f"Kept: {what} {label.episode}."}

    inputs = [who, about, seat, rating, number, tags, note]
    panel.on(button.click, keep, inputs, clears={rating: None, number: "", tags: "", note: ""})
    who.change(None, [who], None, js=f"(who) => localStorage.setItem({_WHO!r}, who)")
    page.load(None, None, [who], js=f"() => localStorage.getItem({_WHO!r}) ?? ''")

    def fill(_: Read, seats: Sequence[str]) -> gr.Dropdown:
        return gr.Dropdown([_TURN, *seats], value=_TURN)

    on_open(page, steering, fill, [seat])


def _label(
    read: Read,
    who: str,
    about: str,
    seat: str,
    rating: str | None,
    number: str,
    tags: str,
    note: str,
) -> Label:
    """A label as the form says it.

    Raises:
        ConfigError: Nobody says it, or the number is none.
    """
    if not who.strip():
        raise ConfigError("a label must say who gives it; put in your name")
    return Label(
        who=who.strip(),
        when=time.time(),
        episode=read.episode,
        step=None if about == _WHOLE else read.turn,
        seat="" if seat == _TURN else seat,
        rating=_number(number) if number.strip() else None if rating is None else float(rating),
        tags=tuple(tag.strip() for tag in tags.split(",") if tag.strip()),
        blind=read.blind,
        note=note.strip(),
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"a rating must be a number, got {text[:100]!r}") from error
