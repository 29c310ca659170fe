"""The form of an answer in Gradio: an input for each of its leaves, in their order."""

from collections.abc import Callable

import gradio as gr
from gradio.components import Component

from simlab.apps.fields import Field, selector_of

_MOST_RADIOS = 7
"""Options of a choice that are all shown at once."""

_SHOW = """(chosen) => [...Array(%d).keys()].map(
  (place) => ({ __type__: "update", visible: String(place) === chosen ? true : "hidden" }))"""
"""Shows the part of a union that is chosen, and nothing else; what the others hold stays."""


def form_inputs(form: Field) -> list[Component]:
    """Put the inputs of a form into the block that is being made; those of `inputs_of`, in order.

    Labels are text of the run: Gradio shows labels as text, and what it calls info as Markdown.
    """
    if form.kind == "nothing":
        return []
    if form.kind == "union":
        return _union_inputs(form)
    if not form.parts:
        return [] if form.kind in ("group", "list") else [_INPUTS[form.kind](form)]
    if not form.label:
        return [made for part in form.parts for made in form_inputs(part)]
    with gr.Accordion(_label(form), open=True):
        return [made for part in form.parts for made in form_inputs(part)]


def _union_inputs(form: Field) -> list[Component]:
    selector = _choice(selector_of(form))
    made: list[Component] = [selector]
    columns = []
    for place, part in enumerate(form.parts):
        with gr.Column(visible=place == 0 or "hidden", elem_classes="part") as column:
            made += form_inputs(part)
        columns.append(column)
    selector.change(None, [selector], columns, js=_SHOW % len(columns), api_visibility="private")
    return made


def _label(form: Field) -> str:
    optional = "" if form.must_be_filled else " (may be left empty)"
    return f"{form.label or 'Your answer'}{optional}{': ' if form.hint else ''}{form.hint}"


def _text(form: Field) -> Component:
    return gr.Textbox(form.usual or "", label=_label(form), lines=1, max_lines=1, autoscroll=False)


def _words(form: Field) -> Component:
    return gr.Textbox(form.usual or "", label=_label(form), lines=3, max_lines=12, autoscroll=False)


def _number(form: Field) -> Component:
    """A text: Gradio's own numbers show 0 where there is none yet, and lose digits of long ones."""
    usual = "" if form.usual is None else str(form.usual)
    return gr.Textbox(usual, label=_label(form), max_lines=1, elem_classes="number")


def _truth(form: Field) -> Component:
    return gr.Checkbox(bool(form.usual), label=_label(form))


def _choice(form: Field) -> gr.Radio | gr.Dropdown:
    options = [(label, str(place)) for place, label in enumerate(form.labels)]
    if not form.must_be_filled:
        options.append(("none", ""))
    kind = gr.Radio if len(options) <= _MOST_RADIOS else gr.Dropdown
    return kind(options, value=form.usual, label=_label(form))


def _lines(form: Field) -> Component:
    label = f"{_label(form)}; an item in each line"
    return gr.Textbox(form.usual or "", label=label, lines=3, max_lines=12, autoscroll=False)


def _json(form: Field) -> Component:
    label = f"{_label(form)}; as JSON"
    return gr.Textbox(form.usual or "", label=label, lines=3, max_lines=12, autoscroll=False)


_INPUTS: dict[str, Callable[[Field], Component]] = {
    "text": _text,
    "words": _words,
    "number": _number,
    "truth": _truth,
    "choice": _choice,
    "lines": _lines,
    "json": _json,
}
