"""Acts: what a seat does in a step, and which answers and texts stand for one."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from simlab.agents.actor import ATTEMPTS
from simlab.env.environment import UNSET, ActionRequest, Refusal, Seat
from simlab.env.spaces import admit, default_text_field
from simlab.errors import (
    AgentFailedError,
    ConfigError,
    EpisodeError,
    UnfitAnswerError,
    WorldFailedError,
)
from simlab.stray import in_words
from simlab.trace.events import Acted
from simlab.trace.plain import Plain
from simlab.trace.text import placeless, utf8


@dataclass(slots=True)
class Act:
    """What a seat does in a step, and how it came to that.

    Attributes:
        action: An action of the request's space.
        refused: Answers that were not taken before.
        invalid: True: the default, since no answer fitted.
        late: True: the default, since the deadline had passed.
        edited: True: put there by a branch or a person.
        live: True: put there by a person while the run went on; if the world refuses it, the seat's
            agent is asked again.
        tokens: What the agent's models drew for it.
    """

    action: Any
    refused: tuple[Refusal, ...] = ()
    invalid: bool = False
    late: bool = False
    edited: bool = False
    live: bool = False
    tokens: int = 0

    def record(self, seat: Seat, plain: Callable[[Any], Plain]) -> Acted:
        """What the log keeps of it.

        Args:
            seat: Who acts.
            plain: Makes the action plain data.
        """
        refusal = self.refused[-1] if self.invalid else None
        return Acted(
            seat,
            plain(self.action),
            attempts=min(len(self.refused) + 1, ATTEMPTS),
            invalid=None if refusal is None else utf8(refusal.reason),
            raw=None if refusal is None else utf8(refusal.raw),
            late=self.late,
            edited=self.edited,
        )


def admitted(seat: Seat, request: ActionRequest, answer: Any) -> Any:
    """The action that an answer stands for; see `admit`.

    Raises:
        UnfitAnswerError: It stands for none.
        WorldFailedError: The request is one that no answer can be held against.
    """
    try:
        return admit(request, answer)
    except EpisodeError:
        raise
    except Exception as error:
        raise WorldFailedError(
            f"the request of seat {seat!r} cannot judge an answer: it raised {in_words(error)}"
        ) from error


def said(seat: Seat, request: ActionRequest, text: str) -> Any:
    """The action that a person means by some text: JSON that fits the space, or words.

    Raises:
        ConfigError: It can be made into no action of the space that is legal now.
    """
    try:
        return admit(request, json.loads(text))
    except (json.JSONDecodeError, UnfitAnswerError):
        field = default_text_field(request.space)
    try:
        return admit(request, text if field is None else {field: text})
    except UnfitAnswerError as error:
        raise ConfigError(
            f"{text!r} is no action of seat {seat!r} here: {error.message}; give it as JSON"
        ) from error


def default_of(seat: Seat, request: ActionRequest) -> Any:
    """The default of a request.

    Raises:
        UnfitAnswerError: There is none; says why the last answer did not fit.
    """
    if request.default is UNSET:
        last = request.refused[-1] if request.refused else Refusal("", "it gave none")
        raise UnfitAnswerError.of(
            last.raw,
            f"seat {seat!r} gave no answer that fits in {len(request.refused)} tries and its "
            f"request has no default: {last.reason}, got {last.raw!r}",
        )
    return request.default


def as_json(seat: Seat, action: Any) -> str:
    """An action as whoever chose it would write it: text as it is, all else as JSON.

    Raises:
        AgentFailedError: It cannot be written down.
    """
    if isinstance(action, str):
        return action
    try:
        plain = to_jsonable_python(action, fallback=lambda value: placeless(str(value)))
        return json.dumps(plain, ensure_ascii=False)
    except Exception as error:
        raise AgentFailedError(
            f"an answer of seat {seat!r} cannot be written down: it raised {in_words(error)}"
        ) from error
