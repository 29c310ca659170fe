"""What a dialogue world plays: values that a loader makes, and that nobody changes.

A `DialogueScript` may hold many thousands of initial states. Each process reads it once from where
it is kept, and worlds of all episodes share it; it is sent to nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from simlab.env.environment import Seat
from simlab.env.scale import Scale

Role = Literal["assistant", "character", "system", "call", "result"]
"""Whose line it is: of one of the two who talk; of the world; or a tool's call, or its result."""

ASSESSORS: Final = ("transition", "preference", "influence")
"""Seats that judge and do not talk."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a dialogue that is written down before anybody plays.

    Attributes:
        role: Whose it is. A call of a tool is a fixed text: no tool is ever called.
        text: May name variables, see `simlab.env.template`.
    """

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class State:
    """A state that a dialogue can be in.

    Attributes:
        transitions: The next state's name by label; none: the dialogue stays.
        default: The label where there is no judgement; None where there are no transitions.
        history: Appended to the dialogue when it comes here from another state.
        terminal: Whether the dialogue ends here.
    """

    transitions: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    history: tuple[Line, ...] = ()
    terminal: bool = False

    def next_of(self, label: str | None) -> str | None:
        """The next state's name for a label, or for no label; None: the dialogue stays."""
        known = label if label in self.transitions else self.default
        return None if known is None else self.transitions[known]

    def labels_of(self, judge: "Assessor") -> list[str]:
        """The labels with which a judge of transitions can answer here, in the state's order."""
        return [label for label in self.transitions if not judge.labels or label in judge.labels]

    @property
    def is_branching(self) -> bool:
        """Whether several states can come next."""
        return len(set(self.transitions.values())) > 1


@dataclass(frozen=True, slots=True)
class Assessor:
    """A seat that judges.

    Attributes:
        question: What it is asked, in words; may name variables unless `verbatim`.
        scale: In which labels it answers; None: in those of the state's transitions.
        briefing: Who it is, for the episode; may name variables.
        sees_all: Whether it sees the lines of tools and of the world too, not only the talk.
        graded: Of a transition: the expected value decides between yes and no, see
            `simlab.env.transition`.
        verbatim: The question names no variables, whatever braces it has.
        labels: Of a transition that is not graded: with which of a state's labels it can answer;
            none: with all. Others are only come to by default.
    """

    question: str
    scale: Scale | None = None
    briefing: str = ""
    sees_all: bool = False
    graded: bool = False
    verbatim: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InitialState:
    """How a dialogue begins.

    Attributes:
        history: The lines so far; the last one is not the assistant's, who speaks next.
        variables: Values of its own, by name.
    """

    history: tuple[Line, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DialogueEnvironment:
    """Initial states that have something in common.

    Attributes:
        population: The kind of its characters, such as ``gameable``.
        variables: Values of all of its initial states, by name.
        initial_states: By name; at least one.
    """

    population: str
    variables: Mapping[str, str]
    initial_states: Mapping[str, InitialState]


@dataclass(frozen=True, slots=True)
class DialogueScript:
    """All that a dialogue world plays.

    Attributes:
        assistant: Who the assistant is; may name variables.
        character: Who the character is; may name variables.
        assessors: By seat, those of `ASSESSORS` that there are.
        states: By name; the first one is where dialogues begin.
        environments: By name.
        choices: Values of variables that are drawn once for each initial state, by name.
        fractions: Share of each population among the episodes; sums to 1. Empty: each environment
            is as likely as others.
        max_turns: So often the assistant speaks at most.
        source: Tells the contents of the files that it was read from.
        cue: Whether ``{cue}`` stands for its text or for nothing.
    """

    assistant: str
    character: str
    assessors: Mapping[Seat, Assessor]
    states: Mapping[str, State]
    environments: Mapping[str, DialogueEnvironment]
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fractions: Mapping[str, float] = field(default_factory=dict)
    max_turns: int = 5
    source: str = ""
    cue: Literal["visible", "hidden"] = "visible"

    @property
    def n_initial_states(self) -> int:
        """How many initial states all environments have."""
        return sum(len(each.initial_states) for each in self.environments.values())

    def __str__(self) -> str:
        """The counts in words: ``2 environments (1 gameable, 1 normal) with 8 initial states``."""
        populations = [each.population for each in self.environments.values()]
        kinds = ", ".join(
            f"{populations.count(kind)} {kind}" for kind in dict.fromkeys(populations)
        )
        n = len(populations)
        noun = "environment" if n == 1 else "environments"
        return f"{n} {noun} ({kinds}) with {self.n_initial_states} initial states"
