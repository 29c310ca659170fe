"""The talk panel: an agent of the run is interviewed as it was, and the run is not touched."""

from collections.abc import Sequence
from typing import Any, Final

import gradio as gr

from simlab.apps.interviewing import Interviewed, Interviewing
from simlab.apps.pages.wiring import Panel, Read, Told, field, on_open, ours
from simlab.apps.steering import Steering
from simlab.errors import ConfigError

_BEFORE: Final = "before this turn"
_AFTER: Final = "after it"


def talk_panel(page: gr.Blocks, steering: Steering, interviewing: Interviewing) -> None:
    """Whom to ask, the question, and what was asked and answered so far."""
    panel = Panel("talk")
    with gr.Accordion("Interview an agent as it was", open=True):
        ours("<p class='about'>At <simlab-read></simlab-read></p>")
        with gr.Row():
            seat = gr.Dropdown([], label="Agent in seat", min_width=120)
            when = gr.Radio([_BEFORE, _AFTER], value=_AFTER, label="As it was", min_width=120)
        ours("<simlab-talk></simlab-talk>")
        question = field("Question", lines=2, placeholder="Why did you say that?")
        model = field("Answered by", placeholder="Its own model, or small=scripted", lines=1)
        with gr.Row():
            ask = gr.Button("Ask", variant="primary", size="sm")
            anew = gr.Button("Begin anew", size="sm")
        panel.tells()

    async def asked(read: Read, question: str, *given: Any) -> Told:
        whom = _whom(read, *given)
        return _told(whom, await interviewing.ask(whom, question))

    async def begun_anew(read: Read, *given: Any) -> Told:
        whom = _whom(read, *given)
        interviewing.begin_anew(whom)
        return _told(whom, [])

    panel.on(ask.click, asked, [question, seat, when, model], clears={question: ""})
    panel.on(anew.click, begun_anew, [seat, when, model])

    def fill(_: Read, seats: Sequence[str]) -> gr.Dropdown:
        return gr.Dropdown([*seats], value=next(iter(seats), None))

    on_open(page, steering, fill, [seat])


def _whom(read: Read, seat: str | None, when: str, model: str) -> Interviewed:
    """Whom the form means.

    Raises:
        ConfigError: No seat is chosen.
    """
    if not seat:
        raise ConfigError("no seat is chosen; choose one")
    step = min(read.turn + (when == _AFTER), read.n_turns)
    return Interviewed(read.run, read.episode, step, seat, model.strip())


def _told(whom: Interviewed, exchanges: Any) -> Told:
    when = f"Episode {whom.episode}, before turn {whom.step}"
    return {"words": "", "exchanges": exchanges, "seat": whom.seat, "when": when}
