"""Dialogue environments as one YAML file: who talks, what is judged, where it can go and begin.

::

    description: A student and a study coach.
    max_turns: 3
    variables:                     # one value each is drawn for an initial state, for good
      coach: [Kim, Alex]
    assistant: You are {coach}, a study coach.
    character: You are {student}, a student. {trait}
    preference:
      question: How helpful was the coach's last reply to the student?
      scale: 1..10                 # or a list of numbers, or labels with values: {no: 0, yes: 1}
    transition:
      question: Does the student begin to work now?
    states:                        # the first one is where dialogues begin
      talking:
        transitions: {yes: working, no: talking}
        default: no                # where the judge gives no label
      working:
        history:                   # said when the dialogue comes here from another state
          - system: "{student} opens the book."
        terminal: true
    users:                         # kinds of characters: variables of theirs, and their share
      gameable: {fraction: 0.5, trait: You like what is easy., cue: Just tell me it is fine.}
      normal: {fraction: 0.5, trait: You want to learn., cue: Help me to begin.}
    opening:                       # of each initial state that gives no history of its own
      - character: "{say} {cue}"
    environments:
      exam:
        subject: algebra           # variables of all its initial states
        initial_states:
          - {student: Mia, say: "My {subject} exam is near."}
          - {student: Tom, say: I cannot begin., name: tired}

A text names variables in braces, and so may the values of variables; ``{{`` is a brace. What stands
in no key of the format is a variable, which some text must name. Environment ``exam`` with users
``gameable`` and ``normal`` is two environments, ``gameable_exam`` and ``normal_exam``, of these
populations. A text alone as an initial state is its ``say``. ``cue`` is a variable that ``cue:
hidden`` makes empty, so that a user can be told by its words or not.

Lines of a history are of ``assistant``, ``character``, ``system`` (the world), ``call`` and
``result`` (a tool's, which are fixed texts). ``assistant`` and ``character`` see all but that tools
are hidden from the character; judges see the talk alone unless they have ``sees: all``. A judge may
have a ``briefing``. With ``rule: graded`` the transition is asked for a rating on a scale of its
own, see `simlab.env.transition.draw_graded`. Without ``states`` a dialogue lasts ``max_turns``.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
)

from simlab.env.dialogue_check import Place, check_script, named_in
from simlab.env.dialogue_script import (
    ASSESSORS,
    Assessor,
    DialogueEnvironment,
    DialogueScript,
    InitialState,
    Line,
    Role,
    State,
)
from simlab.env.scale import Scale
from simlab.errors import ConfigError
from simlab.file_check import fitted
from simlab.find import near
from simlab.yaml_file import YamlFile, as_written, with_keys_as_written

_RANGE: Final = re.compile(r"(-?\d+)\.\.(-?\d+)")
_ALL: Final = "all"
"""The population where a file tells none."""


def _scale(given: Any) -> Any:
    """The scale that a file gives as labels with values, as numbers, or as ``1..10``."""
    if isinstance(given, dict):
        return Scale(with_keys_as_written(given))
    if isinstance(given, list):
        return Scale.of(given)
    if isinstance(given, str) and (ends := _RANGE.fullmatch(given)):
        return Scale.of(range(int(ends[1]), int(ends[2]) + 1))
    raise ValueError(f"must be labels with values, a list of numbers, or 1..10, got {given!r}")


def _said(given: Any) -> Any:
    return {"say": given} if isinstance(given, str) else given


_Value = StrictStr | StrictInt | StrictFloat
_Label = Annotated[str, BeforeValidator(as_written)]
_History = list[dict[Role, str]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class _Open(BaseModel):
    """Takes variables beside its own keys."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, _Value]

    @property
    def variables(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.__pydantic_extra__.items()}


class _Judge(_Strict):
    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    scale: Annotated[Any, BeforeValidator(_scale)] = None
    briefing: str = ""
    sees: Literal["talk", "all"] = "talk"
    rule: Literal["labels", "graded"] = "labels"


class _State(_Strict):
    transitions: Annotated[dict[str, str], BeforeValidator(with_keys_as_written)] = {}
    default: _Label | None = None
    history: _History = []
    terminal: bool = False


class _User(_Open):
    fraction: float | None = None


class _InitialState(_Open):
    name: _Label | None = None
    history: _History | None = None


class _Environment(_Open):
    population: str = _ALL
    opening: _History | None = None
    initial_states: list[Annotated[_InitialState, BeforeValidator(_said)]]


class _File(_Strict):
    description: str = ""
    max_turns: int = Field(5, ge=1)
    variables: dict[str, Annotated[list[_Value], Field(min_length=1)]] = {}
    cue: Literal["visible", "hidden"] = "visible"
    assistant: str
    character: str
    transition: _Judge | None = None
    preference: _Judge | None = None
    influence: _Judge | None = None
    states: dict[str, _State] = {}
    users: dict[str, _User] = {}
    opening: _History = [{"character": "{say}"}]
    environments: dict[str, _Environment]


def read_dialogue_file(path: Path, *, source: str = "") -> DialogueScript:
    """The script in a file of our own format, which the module's docstring describes.

    Args:
        path: The file.
        source: Tells its contents from others.

    Raises:
        ConfigError: It is no such file, or cannot be played; names the line.
    """
    file = YamlFile(path, example="assistant: You are a study coach.")
    read = fitted(_File, file.data, file, below=_KEYS)
    for check in (_check_judges, _check_states, _check_users, _check_names):
        check(read, file)
    script = _script(read, source)
    homes = {_full_name(user, name): name for name in read.environments for user in _users(read)}
    check_script(script, lambda place: file.where(_key(place, homes, read)))
    _check_variables(read, file, named_in(script))
    return script


def _script(read: _File, source: str) -> DialogueScript:
    judges = {seat: getattr(read, seat) for seat in ASSESSORS}
    states = {name: _state(state) for name, state in read.states.items()}
    return DialogueScript(
        assistant=read.assistant,
        character=read.character,
        assessors={seat: _assessor(judge) for seat, judge in judges.items() if judge},
        states=states or {"talking": State()},
        environments={
            _full_name(user, name): _environment(read, user, environment)
            for name, environment in read.environments.items()
            for user in _users(read)
        },
        choices={name: tuple(map(str, values)) for name, values in read.variables.items()},
        fractions=_fractions(read),
        max_turns=read.max_turns,
        source=source,
        cue=read.cue,
    )


def _environment(read: _File, user: str, environment: _Environment) -> DialogueEnvironment:
    opening = read.opening if environment.opening is None else environment.opening
    own = read.users[user].variables if user else {}
    initial_states = {}
    for name, initial in zip(_names(environment), environment.initial_states, strict=True):
        history = opening if initial.history is None else initial.history
        initial_states[name] = InitialState(_lines(history), initial.variables)
    return DialogueEnvironment(
        user or environment.population, {**environment.variables, **own}, initial_states
    )


def _names(environment: _Environment) -> list[str]:
    """Of its initial states: those without a name have their number."""
    return [
        str(number) if initial.name is None else initial.name
        for number, initial in enumerate(environment.initial_states, 1)
    ]


def _state(state: _State) -> State:
    labels = [*state.transitions]
    default = labels[0] if state.default is None and len(labels) == 1 else state.default
    return State(state.transitions, default, _lines(state.history), state.terminal)


def _assessor(judge: _Judge) -> Assessor:
    return Assessor(
        judge.question,
        judge.scale,
        briefing=judge.briefing,
        sees_all=judge.sees == "all",
        graded=judge.rule == "graded",
    )


def _lines(history: _History) -> tuple[Line, ...]:
    return tuple(Line(role, text) for line in history for role, text in line.items())


def _users(read: _File) -> Sequence[str]:
    return [*read.users] or [""]


def _full_name(user: str, environment: str) -> str:
    return f"{user}_{environment}" if user else environment


def _fractions(read: _File) -> Mapping[str, float]:
    fractions = {name: user.fraction for name, user in read.users.items()}
    return {name: part for name, part in fractions.items() if part is not None}


def _check_judges(read: _File, file: YamlFile) -> None:
    for seat in ASSESSORS:
        judge = getattr(read, seat)
        if judge is None:
            continue
        if judge.scale is None and (seat != "transition" or judge.rule == "graded"):
            raise ConfigError(f"{file.where((seat,))}: {seat} needs a scale, such as scale: 1..5")
        if judge.rule == "graded" and seat != "transition":
            raise ConfigError(f"{file.where((seat, 'rule'))}: only a transition has rule graded")
        if seat == "transition" and judge.scale is not None and judge.rule == "labels":
            raise ConfigError(
                f"{file.where((seat, 'scale'))}: a transition answers in the labels of its state; "
                "leave out the scale, or set rule: graded"
            )


def _check_states(read: _File, file: YamlFile) -> None:
    for name, state in read.states.items():
        if not state.transitions and not state.terminal:
            raise ConfigError(
                f"{file.where(('states', name))}: state {name!r} has no transition; give it "
                f"transitions, such as {{stay: {name}}}, or set terminal: true"
            )


def _check_users(read: _File, file: YamlFile) -> None:
    fractions = _fractions(read)
    if fractions and len(fractions) < len(read.users):
        without = next(name for name in read.users if name not in fractions)
        raise ConfigError(
            f"{file.where(('users', without))}: user {without!r} has no fraction, and others have; "
            "give each of them one"
        )
    for name, environment in read.environments.items():
        if read.users and "population" in environment.model_fields_set:
            place = ("environments", name, "population")
            raise ConfigError(
                f"{file.where(place)}: users are the populations of environment {name!r}; leave "
                f"out population, got {environment.population!r}"
            )


def _check_variables(read: _File, file: YamlFile, named: Collection[str]) -> None:
    """See that some text names each variable: one that none does may be a key that is mistyped."""
    for place, part in _open_parts(read):
        for name in part.variables:
            if name not in named:
                known = near(name, [*type(part).model_fields])
                raise ConfigError(
                    f"{file.where((*place, name))}: unknown key {name!r}, nor does any text name "
                    f"such a variable; {known}"
                )
    for name in read.variables:
        if name not in named:
            known = near(name, sorted(named))
            raise ConfigError(
                f"{file.where(('variables', name))}: no text names {{{name}}}; {known}"
            )


def _open_parts(read: _File) -> Iterator[tuple[Place, _Open]]:
    """All that takes variables, and where it stands."""
    for user, part in read.users.items():
        yield ("users", user), part
    for name, environment in read.environments.items():
        yield ("environments", name), environment
        for number, initial in enumerate(environment.initial_states):
            yield ("environments", name, "initial_states", number), initial


def _check_names(read: _File, file: YamlFile) -> None:
    """See that no initial state, and no environment, takes the place of another."""
    homes: dict[str, str] = {}
    for name, environment in read.environments.items():
        names = Counter(_names(environment))
        twice = next((each for each, count in names.items() if count > 1), None)
        if twice is not None:
            place = ("environments", name, "initial_states")
            raise ConfigError(
                f"{file.where(place)}: name {twice!r} stands there twice; a state without one has "
                "its number"
            )
        for user in _users(read):
            full = _full_name(user, name)
            if full in homes:
                raise ConfigError(
                    f"{file.where(('environments', name))}: {full!r} is an environment of user "
                    f"{user!r} here and of another in {homes[full]!r}; rename one"
                )
            homes[full] = name


def _key(place: Place, homes: Mapping[str, str], read: _File) -> Place:
    """The key of a file where a place of its script stands."""
    if place[0] == "fractions":
        return ("users",)
    if place[0] != "environments" or len(place) < 3:
        return place
    home = homes[str(place[1])]
    if place[2] != "initial_states":
        user = str(place[1]).removesuffix(f"_{home}")
        if user in read.users and place[2] in read.users[user].variables:
            return ("users", user, place[2])
        return ("environments", home, *place[2:])
    if len(place) < 4:
        return ("environments", home, "initial_states")
    names = _names(read.environments[home])
    return ("environments", home, "initial_states", names.index(str(place[3])), *place[4:])


_KEYS: Final = {
    **{seat: list(_Judge.model_fields) for seat in ASSESSORS},
    "states": list(_State.model_fields),
}
"""What may stand below keys that take no others."""
