"""Requests: what a client writes to the socket of a run, a line of JSON each."""

import json
from typing import Annotated, Any, Final, Literal, NoReturn

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
)

from simlab.errors import ControlError
from simlab.problem import problem
from simlab.sim.control.seat_person import Lapse

LONGEST_LINE: Final = 1 << 20
"""Bytes of a request, at most."""

Number = StrictInt | StrictFloat
Episode = Annotated[StrictInt, Field(ge=0)]
Episodes = Episode | Literal["all"]
Name = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: StrictInt | StrictStr | None = None
    """Comes back with the answer."""


class Hello(_Request):
    """Tell of the run, and where its live episodes stand."""

    kind: Literal["hello"]


class Pause(_Request):
    """Let episodes stand still at the top of their next step."""

    kind: Literal["pause"]
    episode: Episodes = "all"


class Resume(_Request):
    """Let episodes go on."""

    kind: Literal["resume"]
    episode: Episodes = "all"


class Step(_Request):
    """Let episodes take so many steps, and stand still then."""

    kind: Literal["step"]
    episode: Episodes = "all"
    n: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 1


class Stop(_Request):
    """End the run as Ctrl-C does; ``--resume`` goes on with it."""

    kind: Literal["stop"]


class Say(_Request):
    """Let a seat do something, whatever it is at: JSON that fits, or words."""

    kind: Literal["say"]
    episode: Episode
    seat: Name
    text: StrictStr


class Narrate(_Request):
    """Say something as the narrator, where the world has a seat of this name."""

    kind: Literal["narrate"]
    episode: Episode
    text: StrictStr


class Edit(_Request):
    """Change options of a seat's agent, such as its persona."""

    kind: Literal["edit"]
    episode: Episodes = "all"
    seat: Name
    options: dict[str, Any] = Field(min_length=1)


class Swap(_Request):
    """Give a seat's agent another model: a name under the run's models, or an entry for there."""

    kind: Literal["swap"]
    episode: Episodes = "all"
    seat: Name
    model: Name | dict[str, Any]


class TakeSeat(_Request):
    """Take a seat; whoever has a lease is asked on this connection in its agent's place."""

    kind: Literal["lease"]
    episode: Episode
    seat: Name
    who: Name
    lapse: Lapse = "agent"
    after_s: Annotated[Number, Field(gt=0, allow_inf_nan=False)] | None = None


class TakeModel(_Request):
    """Stand for a model whose engine is ``person``: be asked its prompts on this connection."""

    kind: Literal["take_model"]
    model: Name
    who: Name


class AnswerQuestion(_Request):
    """Answer a question that was asked on this connection."""

    kind: Literal["answer"]
    question: Name
    action: Any = None
    wait: StrictBool = False
    until: Annotated[Number, Field(allow_inf_nan=False)] | None = None


class Leave(_Request):
    """Leave a seat, or a model."""

    kind: Literal["leave"]
    episode: Episode | None = None
    seat: StrictStr = ""
    model: StrictStr = ""


Request = Annotated[
    Hello
    | Pause
    | Resume
    | Step
    | Stop
    | Say
    | Narrate
    | Edit
    | Swap
    | TakeSeat
    | TakeModel
    | AnswerQuestion
    | Leave,
    Field(discriminator="kind"),
]

_adapter: TypeAdapter[Request] = TypeAdapter(Request)

KINDS = (
    "hello", "pause", "resume", "step", "stop", "say", "narrate", "edit", "swap", "lease",
    "take_model", "answer", "leave",
)  # fmt: skip


def read_json(line: bytes) -> dict[str, Any]:
    """The object that a line holds.

    Raises:
        ControlError: It is no JSON, or no object.
    """
    try:
        data = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ControlError(f"expected a line of JSON, got {line[:80]!r}: {error}") from error
    if not isinstance(data, dict):
        raise ControlError(f"expected a JSON object, got {line[:80]!r}")
    return data


def read_request(data: dict[str, Any]) -> Request:
    """A request, checked.

    Raises:
        ControlError: It is none; says what was expected, and what came.
    """
    if data.get("kind") not in KINDS:
        raise ControlError(f"kind must be one of {', '.join(KINDS)}, got {data.get('kind')!r:.80}")
    try:
        return _adapter.validate_python(data)
    except ValidationError as error:
        found = [problem(part, part["loc"][1:2], [*data]) for part in error.errors()]
        raise ControlError("; ".join(dict.fromkeys(found))[:1000]) from error


def overlong() -> ControlError:
    """The error where a request has more than `LONGEST_LINE` bytes."""
    return ControlError(
        f"expected a line of at most {LONGEST_LINE} bytes, got a longer one; say less at once"
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
