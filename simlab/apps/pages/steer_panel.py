"""The steer panel: what people do to a live run."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import gradio as gr
import yaml
from gradio.components import Component

from simlab.apps.pages.wiring import Panel, Read, Told, field, on_open, ours
from simlab.apps.steering import Steering
from simlab.errors import ConfigError

_THIS: Final = "this episode"
_ALL: Final = "all episodes"


def steer_panel(page: gr.Blocks, steering: Steering) -> None:
    """Pausing and going on, speaking in the place of a seat, and changing who sits there."""
    panel = Panel("steer")
    orders = _Orders(steering)
    ours("<simlab-standing></simlab-standing>")
    panel.tells()
    with gr.Column(elem_classes="needs-live"):
        seat = gr.Dropdown([], label="Seat")
        text = field("Says or does", lines=2, placeholder="Words, or an action as JSON")
        with gr.Row():
            say = gr.Button("Say", variant="primary", size="sm")
            narrate = gr.Button("Narrate", size="sm", visible=False)
        with gr.Accordion("Change who sits there", open=False):
            scope = gr.Radio([_THIS, _ALL], value=_THIS, label="From the next step on, in")
            persona = field("Persona", lines=2, placeholder="As it is")
            options = field("Other options", lines=2, placeholder="goal: Pay as little as you can")
            edit = gr.Button("Edit", size="sm")
            model = gr.Dropdown([], label="Model")
            entry = field("Or an entry, as in a run file", lines=1, placeholder="engine: scripted")
            swap = gr.Button("Swap", size="sm")
    panel.on(say.click, orders.say, [seat, text], clears={text: ""})
    panel.on(narrate.click, orders.narrate, [text], clears={text: ""})
    panel.on(
        edit.click, orders.edit, [seat, scope, persona, options], clears={persona: "", options: ""}
    )
    panel.on(swap.click, orders.swap, [seat, scope, model, entry], clears={entry: ""})

    def fill(read: Read, seats: Sequence[str]) -> list[Component]:
        return [
            gr.Dropdown([*seats], value=next(iter(seats), None)),
            gr.Dropdown([*read.models], value=None),
            gr.Button(visible="narrator" in seats),
        ]

    on_open(page, steering, fill, [seat, model, narrate])


class _Orders:
    """What the buttons tell a run."""

    def __init__(self, steering: Steering) -> None:
        self._steering = steering

    async def say(self, read: Read, seat: str | None, text: str) -> Told:
        """Let a seat do something."""
        given = {"episode": read.episode, "seat": _chosen(seat), "text": text}
        return _when(await self._steering.command(read.run, "say", given), f"{seat} does that")

    async def narrate(self, read: Read, text: str) -> Told:
        """Say something as the narrator."""
        given = {"episode": read.episode, "text": text}
        return _when(await self._steering.command(read.run, "narrate", given), "It is narrated")

    async def edit(
        self, read: Read, seat: str | None, scope: str, persona: str, options: str
    ) -> Told:
        """Change what the cast says of a seat."""
        changed = {**({"persona": persona} if persona.strip() else {}), **_mapping(options)}
        if not changed:
            raise ConfigError("an edit must change the persona or other options, got neither")
        given = {"episode": _episodes(read, scope), "seat": _chosen(seat), "options": changed}
        return _when(await self._steering.command(read.run, "edit", given), f"{seat} is changed")

    async def swap(
        self, read: Read, seat: str | None, scope: str, model: str | None, entry: str
    ) -> Told:
        """Give a seat another model."""
        wanted = _mapping(entry) or model
        if not wanted:
            raise ConfigError("choose a model of the run, or give an entry: engine: scripted")
        given = {"episode": _episodes(read, scope), "seat": _chosen(seat), "model": wanted}
        return _when(
            await self._steering.command(read.run, "swap", given), f"{seat} has another model"
        )


def _when(answer: Mapping[str, Any], done: str) -> Told:
    """What was done, and from when on it holds."""
    if answer.get("step") is not None:
        return {"words": f"{done} in turn {answer['step']}."}
    if "episodes" in answer:
        return {"words": f"{done}, in all episodes from their next step on."}
    return {"words": f"{done} with the next step of the episode."}


def _chosen(seat: str | None) -> str:
    if not seat:
        raise ConfigError("no seat is chosen; choose one")
    return seat


def _episodes(read: Read, scope: str) -> int | str:
    return "all" if scope == _ALL else read.episode


def _mapping(text: str) -> Mapping[str, Any]:
    """What people type as ``key: value`` lines.

    Raises:
        ConfigError: It is nothing of the kind.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"expected lines such as `goal: Pay little`, got {text[:200]!r}"
        ) from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(f"expected lines such as `goal: Pay little`, got {text[:200]!r}")
    return found
