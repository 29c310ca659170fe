"""Wiring: what a panel's buttons do with the turn that is read, and how their answer is told."""

import html
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, Self, TypeVar

import gradio as gr
from gradio.components import Component

from simlab.apps.steering import Steering
from simlab.errors import ConfigError, SimlabError

P = ParamSpec("P")
T = TypeVar("T")

Told = Mapping[str, Any]
"""What became of it: ``words``, or ``error``; and what else the panel's scripts take."""

Does = Callable[..., Awaitable[Told]]
"""Does what a button says: takes what is `Read` and the values of the inputs."""

QUIET: Final[Mapping[str, Any]] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_limit": None,
}
"""Of an event: it is none of the app's API, changes nothing while it is on its way, and waits for
none of its kind."""

READING: Final = "(_, ...given) => [simlab.reading(), ...given]"
"""Puts the turn that is read into the first input of an event."""

OPENED: Final = """async () => {
    await customElements.whenDefined("simlab-run");
    return [await simlab.opened()];
}"""
"""Gives what is read, once there is something."""


@dataclass(frozen=True, slots=True)
class Read:
    """What is read on a page.

    Attributes:
        run: Name of the run, as it is listed.
        episode: Of which episode.
        turn: Which turn; that behind the last is the end.
        n_turns: How many the episode has.
        blind: Whether ratings are hidden.
        seats: Of the run, as far as they are known.
        asked: Those that are asked in the turn.
        models: Of the run, by name.
    """

    run: str
    episode: int
    turn: int
    n_turns: int
    blind: bool
    seats: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Any) -> Self:
        """What a page says that it shows.

        Raises:
            ConfigError: It shows no turn.
        """
        if not isinstance(given, dict) or given.get("episode") is None:
            raise ConfigError("no turn is read; choose one in the transcript first")
        return cls(
            str(given["run"]),
            int(given["episode"]),
            int(given["turn"]),
            int(given["n_turns"]),
            bool(given["blind"]),
            tuple(map(str, given["seats"])),
            tuple(map(str, given["asked"])),
            tuple(map(str, given["models"])),
        )


class Panel:
    """The forms of a panel; made inside the block that holds them.

    Args:
        name: Of the panel, by which its scripts know what is told to them.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._read = gr.JSON(visible=False)
        self._told = gr.JSON(visible=False)

    def tells(self) -> None:
        """Place the line that tells what became of what was done."""
        ours(f'<simlab-told panel="{self._name}"></simlab-told>')

    def on(
        self,
        trigger: Callable[..., Any],
        does: Does,
        inputs: Sequence[Component] = (),
        *,
        clears: Mapping[Component, Any] | None = None,
    ) -> None:
        """Do something when an event comes.

        Args:
            trigger: The event, such as ``button.click``.
            does: What is done.
            inputs: Whose values it is given.
            clears: What components are set to when it was done.
        """
        cleared = dict(clears or {})

        async def do(given: Any, *values: Any) -> dict[Component, Any]:
            try:
                told = await does(Read.of(given), *values)
            except SimlabError as error:
                return {self._told: {"error": error.message}}
            return {self._told: told, **cleared}

        trigger(do, [self._read, *inputs], [self._told, *cleared], js=READING, **QUIET).then(
            None, [self._told], None, js=f"(told) => simlab.tell({self._name!r}, told)"
        )


def field(
    label: str, *, lines: int = 1, placeholder: str | None = None, min_width: int = 160
) -> gr.Textbox:
    """A field for words; its value is a text also before it is shown, as in a folded part."""
    return gr.Textbox("", label=label, lines=lines, placeholder=placeholder, min_width=min_width)


def refusing(do: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """What an event does, but why it cannot be done is shown on the page for a while."""

    @wraps(do)
    async def doing(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await do(*args, **kwargs)
        except SimlabError as error:
            raise gr.Error(words_of(error), print_exception=False) from error

    return doing


def words_of(error: SimlabError) -> str:
    """What is wrong, as Gradio takes it: it shows such words, which may be a run's own, as HTML."""
    return html.escape(error.message)


def ours(element: str) -> None:
    """Place an element of ours, which fills itself; nothing that comes from a run."""
    gr.HTML(element, apply_default_css=False, elem_classes="ours")


def on_open(
    page: gr.Blocks,
    steering: Steering,
    fill: Callable[[Read, Sequence[str]], Any],
    outputs: Sequence[Component],
) -> None:
    """Fill components with what a run has, once a page shows a turn of it.

    Args:
        page: The page.
        steering: Asks live runs for their seats.
        fill: Gives the components' new values, of what is read and the run's seats.
        outputs: The components.
    """
    read = gr.JSON(visible=False)

    @refusing
    async def filled(given: Any) -> Any:
        found = Read.of(given)
        return fill(found, await steering.seats(found.run) or found.seats)

    page.load(filled, [read], [*outputs], js=OPENED, **QUIET)
