"""What must hold of a dialogue script, whichever file it was read from, before anybody is asked."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

from simlab.env.dialogue_script import DialogueScript, Line
from simlab.env.number import is_number
from simlab.env.template import check_names, names_in
from simlab.errors import ConfigError
from simlab.find import near

Place = tuple[str | int, ...]
"""Where in a script something stands: fields, names and numbers, from the outside in."""

Fault = tuple[Place, str]
"""Where something is wrong, and what."""

_Text = tuple[Place, str]
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


def named_in(script: DialogueScript) -> set[str]:
    """The variables that any text of a script that can be played names."""
    texts = [text for _, text in _shared_texts(script)]
    for environment in script.environments.values():
        texts += environment.variables.values()
        for initial in environment.initial_states.values():
            texts += initial.variables.values()
            texts += (line.text for line in initial.history)
    return {name for text in texts for name in names_in(text)}


def fault_of_fractions(fractions: Mapping[str, float]) -> str:
    """Why fractions cannot be shares of a whole; empty if they can."""
    for name, fraction in fractions.items():
        if not is_number(fraction) or not 0 <= fraction <= 1:
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
            elif not asker.graded and len(state.labels_of(asker)) < 2:
                got = tuple(state.transitions)
                expected = f"state {name!r} must have two of the labels {asker.labels!r}"
                yield (
                    (*place, "transitions"),
                    f"{expected} that the transition answers, got {got!r}",
                )
    for label in asker.labels if asker else ():
        if all(label not in state.transitions for state in script.states.values()):
            yield ("transition", "labels"), f"no state has a transition {label!r}"


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
    drawn = {name: " ".join(values) for name, values in script.choices.items()}
    for name, environment in script.environments.items():
        outer = {**drawn, **environment.variables}
        own = [{*initial.variables} for initial in environment.initial_states.values()]
        yield from _unknown(shared, {*outer, *set.intersection(*own)})
        place: Place = ("environments", name)
        naming = {
            key: text for key, text in environment.variables.items() if "{" in text or "}" in text
        }
        for number, initial in environment.initial_states.items():
            here: Place = (*place, "initial_states", number)
            values = {**outer, **initial.variables}
            yield from _unknown(_texts_of_lines((*here, "history"), initial.history), values)
            yield from _faults_of_values(here, initial.variables, values)
            yield from _faults_of_values(place, naming, values)


def _faults_of_values(
    place: Place, own: Mapping[str, str], values: Mapping[str, str]
) -> Iterator[Fault]:
    """What is wrong with values of variables: they may name others that name none themselves."""
    yield from _unknown((((*place, name), text) for name, text in own.items()), values)
    for name, text in own.items():
        deeper = next((inner for inner in names_in(text) if names_in(values[inner])), None)
        if deeper is not None:
            rule = f"{{{deeper}}} names variables itself, so that no other one may name it"
            yield (*place, name), f"{rule}; write out what it says in {name!r}"


def _faults_of_fractions(script: DialogueScript) -> Iterator[Fault]:
    if script.fractions and (fault := fault_of_fractions(script.fractions)):
        yield ("fractions",), fault


def _shared_texts(script: DialogueScript) -> Iterator[_Text]:
    """Texts of all environments."""
    for name, values in script.choices.items():
        yield from ((("variables", name), value) for value in values)
    yield ("assistant",), script.assistant
    yield ("character",), script.character
    for seat, assessor in script.assessors.items():
        yield (seat, "briefing"), assessor.briefing
        if not assessor.verbatim:
            yield (seat, "question"), assessor.question
    for name, state in script.states.items():
        yield from _texts_of_lines(("states", name, "history"), state.history)


def _texts_of_lines(place: Place, lines: tuple[Line, ...]) -> Iterator[_Text]:
    return (((*place, number), line.text) for number, line in enumerate(lines))


def _unknown(texts: Iterable[_Text], known: Collection[str]) -> Iterator[Fault]:
    for place, text in texts:
        try:
            check_names(text, known)
        except ValueError as error:
            yield place, str(error)
