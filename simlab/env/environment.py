"""What a world is: seats, requests to act, time steps, and the protocol that binds them.

A world says after each step who may act now, and never calls anyone: agents, judges, characters and
people sit in its seats, and the world does not know which. So it needs no model to be tested,
replayed or branched. `simlab.env.script` has a second way to write one, as a generator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, runtime_checkable

from simlab.unusual import unusual

Seat = str
"""A place in a world, such as ``"buyer"``."""

Ending = Literal["terminated", "truncated"]
"""How a seat's part ended: by the rules of the world, or by a limit put on it from outside."""


class _Unset:
    """The type of `UNSET`."""

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


class _Pass:
    """The type of `PASS`."""

    def __repr__(self) -> str:
        return "PASS"

    def __reduce__(self) -> str:
        return "PASS"


UNSET: Final = _Unset()
"""No default: a seat that gives no fitting answer fails its episode."""

PASS: Final = _Pass()
"""The action of a seat that does nothing this time."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The answer of a seat that was asked optionally and does nothing for now.

    It is asked again at world time `until`, or at its next observation, whichever comes first.
    """

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something said by a seat, as the others perceive it."""

    speaker: Seat
    text: str

    def __str__(self) -> str:
        return f"{self.speaker}: {self.text}"


@dataclass(frozen=True, slots=True)
class Briefing:
    """Tells a seat who it is in this episode; the latest one holds.

    Language agents and judges take it as instructions, not as something that happened.
    """

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that was not taken, and why: what a seat is told when it is asked again."""

    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """A seat may act now.

    Attributes:
        space: What an action is: a pydantic model or dataclass, a Gymnasium space, a ``Literal`` or
            ``Enum``, a number type, or ``str`` for free text.
        legal: What of the space is legal now, or None for all of it; masks, choices in words and
            JSON schemas derive from it.
        prompt: The request in words, for language agents and people.
        required: True: the world waits. False: the seat acts when it decides to, or answers `Wait`.
        deadline: World time in seconds, after which `default` is played, the action marked late.
        default: Played after a missed deadline or a third unfit answer; with `UNSET` the episode
            fails instead. `PASS` is a value like others.
        examples: Actions such as might be taken now, shown to those who need to see one.
        refused: Answers to this request that were not taken, oldest first; set on asking again.
    """

    space: Any = str
    legal: Sequence[Any] | None = None
    prompt: str | None = None
    required: bool = True
    deadline: float | None = None
    default: Any = UNSET
    examples: tuple[Any, ...] = ()
    refused: tuple[Refusal, ...] = ()

    def __trace__(self) -> dict[str, Any]:
        """What the log keeps: the fields that are not as usual."""
        return unusual(self)


@dataclass(frozen=True, slots=True)
class TimeStep:
    """All that a world says after a reset or a step.

    Attributes:
        requests: Who may act now; empty with no `wake` means that the episode is over.
        observations: What each seat perceives since the last step, in order; seats that perceive
            nothing are absent.
        rewards: In reward units, since the last step.
        ended: The seats whose part ended with this step, and how.
        wake: World time in seconds at which to be stepped with no actions if nobody acts before.
        info: Facts for the record, by seat; agents never see them.
    """

    requests: Mapping[Seat, ActionRequest] = field(default_factory=dict)
    observations: Mapping[Seat, Sequence[Any]] = field(default_factory=dict)
    rewards: Mapping[Seat, float] = field(default_factory=dict)
    ended: Mapping[Seat, Ending] = field(default_factory=dict)
    wake: float | None = None
    info: Mapping[Seat, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether the episode is over: nobody may act, and nothing happens by itself later."""
        return not self.requests and self.wake is None

    def __trace__(self) -> dict[str, Any]:
        """What the log keeps: the fields that are not empty."""
        return unusual(self)


@dataclass(frozen=True, slots=True)
class SeatSpec:
    """What a world tells of a seat before any episode.

    Attributes:
        role: What the seat is for, in words; part of a language agent's instructions.
        space: The space of its actions where they are always of one kind.
        optional: True: an episode may be cast without an agent in this seat.
    """

    role: str = ""
    space: Any = str
    optional: bool = False


@runtime_checkable
class Environment(Protocol):
    """A world: a deterministic, synchronous state machine.

    It uses the seed that it is given and nothing else: no clock, network, model or global
    randomness. Time reaches it as `now` only. Whatever it returns, it keeps no reference to and
    never changes afterwards.
    """

    seats: Mapping[Seat, SeatSpec]

    def reset(self, seed: int, options: Mapping[str, Any] | None = None) -> TimeStep:
        """Begin an episode, whatever state the world is in.

        Args:
            seed: The only source of chance in the episode.
            options: What is particular to this episode, such as a scene to begin from.
        """
        ...

    def step(self, actions: Mapping[Seat, Any], now: float = 0.0) -> TimeStep:
        """Take the actions of the seats that act now and say what follows.

        Args:
            actions: An action for each required request, and for optional ones that were taken.
            now: World time in seconds, never less than at the step before.

        Raises:
            IllegalAction: One of the actions is refused; the world stays as it was.
        """
        ...
