"""What must hold of a dialogue script, whichever file it was read from, before anybody is asked."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from simlab.env.dialogue_script import DialogueScript, InitialState, Line
from simlab.env.template import check_names
from simlab.errors import ConfigError
from simlab.find import near

Place = tuple[str | int, ...]
"""Where in a script something stands: fields, names and numbers, from the outside in."""

Fault = tuple[Place, str]
"""Where something is wrong, and what."""

_ROUNDING: Final = 1e-6


def check_script(script: DialogueScript, where: Callable[[Place], str]) -> None:
    """See that a script can be played.

    Args:
        script: As a loader made it.
        where: File, and line if it is known, of a place in the script.

    Raises:
        ConfigError: A state leads nowhere or to one that is not there, a text names an unknown
            variable, there is nothing to begin from, the assistant would answer itself, or
            fractions do not sum to 1.
    """
    for find in (_faults_of_states, _faults_of_banks, _faults_of_texts, _faults_of_fractions):
        for place, fault in find(script):
            raise ConfigError(f"{where(place)}: {fault}")


def fault_of_fractions(fractions: Mapping[str, float]) -> str:
    """Why fractions cannot be shares of a whole; empty if they can."""
    for name, fraction in fractions.items():
        if not 0 <= fraction <= 1:
            return f"fraction of {name!r} must be in [0, 1], got {fraction!r}"
    total = math.fsum(fractions.values())
    if abs(total - 1) > _ROUNDING:
        return f"fractions must sum to 1, got {total:g} of {dict(fractions)!r}"
    return ""


def _faults_of_states(script: DialogueScript) -> Iterator[Fault]:
    asker = script.assessors.get("transition")
    for name, state in script.states.items():
        place: Place = ("states", name)
        for label, target in state.transitions.items():
            if target not in script.states:
                known = near(target, [*script.states])
                yield (*place, "transitions", label), f"there is no state {target!r}; {known}"
        if state.transitions and state.default not in state.transitions:
            labels = tuple(state.transitions)
            expected = f"default of state {name!r} must be one of its labels {labels!r}"
            yield (*place, "default"), f"{expected}, got {state.default!r}"
        if state.is_branching and not state.terminal:
            if asker is None:
                yield place, f"state {name!r} has several next ones and no transition is asked"
            elif asker.graded and not {"yes", "no"} <= state.transitions.keys():
                got = tuple(state.transitions)
                yield (*place, "transitions"), f"the graded rule needs yes and no, got {got!r}"


def _faults_of_banks(script: DialogueScript) -> Iterator[Fault]:
    if not script.environments:
        yield ("environments",), "there is no environment; give at least one"
    for name, environment in script.environments.items():
        if not environment.initial_states:
            place = ("environments", name, "initial_states")
            yield place, f"environment {name!r} has no initial state; give at least one"
        for number, initial in environment.initial_states.items():
            last = initial.history[-1].role if initial.history else None
            if last in (None, "assistant", "call"):
                here = ("environments", name, "initial_states", number)
                expected = f"initial state {number!r} of {name!r} must end with somebody's words"
                got = "no history" if last is None else f"a last line of {last!r}"
                yield here, f"{expected} for the assistant to answer, got {got}"


def _faults_of_texts(script: DialogueScript) -> Iterator[Fault]:
    shared = list(_shared_texts(script))
    for name, environment in script.environments.items():
        outer = {**script.choices, **environment.variables}
        own = [set(initial.variables) for initial in environment.initial_states.values()]
        common = {*outer, *(set.intersection(*own) if own else ())}
        yield from _unknown(shared, common)
        at: Place = ("environments", name)
        yield from _unknown([((*at, key), text) for key, text in environment.variables.items()],
                            common)  # fmt: skip
        for number, initial in environment.initial_states.items():
            texts = _texts_of((*at, "initial_states", number), initial)
            yield from _unknown(texts, {*outer, *initial.variables})


def _faults_of_fractions(script: DialogueScript) -> Iterator[Fault]:
    if script.fractions and (fault := fault_of_fractions(script.fractions)):
        yield ("fractions",), fault


def _shared_texts(script: DialogueScript) -> Iterator[tuple[Place, str]]:
    """Texts of all environments."""
    yield ("assistant",), script.assistant
    yield ("character",), script.character
    for seat, assessor in script.assessors.items():
        yield (seat, "briefing"), assessor.briefing
        if not assessor.verbatim:
            yield (seat, "question"), assessor.question
    for name, state in script.states.items():
        yield from _texts_of_lines(("states", name, "history"), state.history)


def _texts_of(place: Place, initial: InitialState) -> Iterator[tuple[Place, str]]:
    yield from (((*place, name), text) for name, text in initial.variables.items())
    yield from _texts_of_lines((*place, "history"), initial.history)


def _texts_of_lines(place: Place, lines: tuple[Line, ...]) -> Iterator[tuple[Place, str]]:
    return (((*place, number), line.text) for number, line in enumerate(lines))


def _unknown(texts: "Iterator[tuple[Place, str]] | list[tuple[Place, str]]",
             known: "set[str]") -> Iterator[Fault]:  # fmt: skip
    for place, text in texts:
        try:
            check_names(text, known)
        except ValueError as error:
            yield place, str(error)
