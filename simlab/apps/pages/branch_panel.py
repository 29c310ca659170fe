"""The branch panel: a new run from the turn that is read, with something changed."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import gradio as gr

from simlab.apps.branching import Branching, Wanted
from simlab.apps.pages.wiring import Panel, Read, Told, field, on_open, ours
from simlab.apps.steering import Steering
from simlab.errors import ConfigError

_MOST_SAMPLES: Final = 1000

_WHOEVER: Final = "whoever is asked"


def branch_panel(page: gr.Blocks, steering: Steering, branching: Branching) -> None:
    """What is to be different from the turn on, and the button that starts the branch."""
    panel = Panel("branch")
    ours("<p class='about'>Branch from <simlab-read></simlab-read></p>")
    seat = gr.Dropdown([_WHOEVER], value=_WHOEVER, label="Seat")
    text = field("Says or does instead", lines=2, placeholder="As it did")
    with gr.Accordion("Change settings, or draw anew", open=False):
        settings = field("Settings", lines=2, placeholder="cast.buyer.persona=You are in a hurry.")
        with gr.Row():
            seed = field("Seed", placeholder="As it drew", min_width=80)
            samples = gr.Number(
                label="Samples",
                value=1,
                precision=0,
                minimum=1,
                maximum=_MOST_SAMPLES,
                min_width=80,
            )
    button = gr.Button("Branch", variant="primary", size="sm")
    panel.tells()

    async def branch(read: Read, *given: Any) -> Told:
        name = await branching.branch(_wanted(read, *given))
        return {"words": f"The branch is {name}.", "href": f"/run?run={quote(name)}"}

    panel.on(button.click, branch, [seat, text, settings, seed, samples])

    def fill(_: Read, seats: Sequence[str]) -> gr.Dropdown:
        return gr.Dropdown([_WHOEVER, *seats], value=_WHOEVER)

    on_open(page, steering, fill, [seat])


def _wanted(
    read: Read, seat: str | None, text: str, settings: str, seed: str, samples: float | None
) -> Wanted:
    """A branch as the form says it.

    Raises:
        ConfigError: It is not clear who says it, or the seed is no number.
    """
    if seed.strip() and not seed.strip().isdecimal():
        raise ConfigError(f"a seed must be a whole number from 0 on, got {seed[:100]!r}")
    return Wanted(
        read.run,
        read.episode,
        read.turn,
        say=[f"{_speaker(read, seat)}={text}"] if text.strip() else [],
        settings=[line.strip() for line in settings.splitlines() if line.strip()],
        seed=int(seed) if seed.strip() else None,
        samples=int(samples or 1),
    )


def _speaker(read: Read, seat: str | None) -> str:
    """Whose words those are."""
    if seat and seat != _WHOEVER:
        return seat
    if len(read.asked) != 1:
        known = ", ".join(read.asked) or "nobody"
        raise ConfigError(f"one seat must say it, and asked in this turn is {known}; choose one")
    return read.asked[0]
