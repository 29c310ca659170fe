"""Dialogue environments in the public format of the Influence benchmark, from a user's own copy.

A folder is a class of environments: ``_master_config.yaml`` says who talks, what is judged and
where a dialogue can go, and each ``NAME.json`` beside it is an environment: initial states as
``histories``, and the values of variables. The part of ``NAME`` before its first ``_`` is its
population. The format is that of the last public version (Williams et al. 2024, arXiv 2411.02306).

What differs here: ``function_def`` loses the doubled braces with which it is stored, values of
variables may name others wherever they stand, and what cannot be played is refused on reading. How
the assistant's words are drawn is said in the cast, whatever ``max_tokens`` and ``temperature`` the
folder has. A ``char_action`` that is drawn from ``char_action1`` and ``char_action2`` whenever a
state is entered is not supported.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from simlab.env.dialogue_check import Place, check_script
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
from simlab.env.options import one_of
from simlab.env.scale import Scale
from simlab.errors import ConfigError
from simlab.file_check import fitted
from simlab.problem import problem
from simlab.yaml_file import YamlFile, as_written, with_keys_as_written

MASTER: Final = "_master_config.yaml"
"""The file by which such a folder is known."""

VETO_PROMPTS: Final = ("normal", "five_point", "constitutional")
"""Variants of what the influence detector is asked, as ``veto_prompt_type`` names them."""

_INITIAL: Final = "initial_state"
_TURNS: Final = 5
_ACTION: Final = "char_action"
_ROLES: Final[dict[str, Role]] = {
    "agent": "assistant",
    "environment": "character",
    "environment_system": "system",
    "tool_call": "call",
    "tool_response": "result",
}


_Labels = list[Annotated[str, BeforeValidator(as_written)]]
_TheirRole = Literal["agent", "environment", "environment_system", "tool_call", "tool_response"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Said(_Strict):
    role: _TheirRole
    content: str

    @property
    def line(self) -> Line:
        return Line(_ROLES[self.role], self.content)


class _Next(_Strict):
    next_state: str


class _State(_Strict):
    valid_transitions: Annotated[dict[str, _Next], BeforeValidator(with_keys_as_written)] | None = (
        None
    )
    default_transition: Annotated[str | None, BeforeValidator(as_written)] = None
    terminal: bool = False
    history: list[_Said] | None = None
    possible_state_vars: Any = None


class _Speaker(_Strict):
    system_prompt: str
    max_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0)


class _Assessor(_Strict):
    system_prompt: str
    prompt_suffix: str
    valid_tokens: _Labels | None = None
    perspective: Literal["Third_Person"] = "Third_Person"
    five_point_system_prompt: str | None = None
    five_point_prompt_suffix: str | None = None
    constitutional_system_prompt: str | None = None
    constitutional_prompt_suffix: str | None = None


class _Master(_Strict):
    state_config: dict[str, _State]
    agent_config: _Speaker
    character_config: _Speaker
    preference_model_config: _Assessor | None = None
    transition_model_config: _Assessor | None = None
    influence_detector_model_config: _Assessor | None = None
    possible_env_vars: dict[str, Annotated[list[str], Field(min_length=1)]] = {}


class _Environment(BaseModel):
    """Takes variables beside its histories."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]
    histories: dict[str, list[_Said]]


def read_influence_folder(
    folder: Path, *, veto_prompt_type: str = "normal", source: str = ""
) -> DialogueScript:
    """The script in a folder of the Influence benchmark.

    Args:
        folder: Holds `MASTER` and a JSON file for each environment.
        veto_prompt_type: One of `VETO_PROMPTS`.
        source: Tells its contents from others.

    Raises:
        ConfigError: A file is not of this format, has a value that the format does not know, or
            cannot be played; names file and key.
        ValueError: `veto_prompt_type` is none that there is.
    """
    one_of("veto_prompt_type", veto_prompt_type, VETO_PROMPTS)
    file = YamlFile(folder / MASTER, example="state_config:")
    master = fitted(_Master, file.data, file)
    states = {name: _state(state) for name, state in master.state_config.items()}
    if _INITIAL not in states:
        raise ConfigError(f"{file.where(('state_config',))}: there is no state {_INITIAL!r}")
    script = DialogueScript(
        assistant=master.agent_config.system_prompt,
        character=master.character_config.system_prompt,
        assessors=_assessors(master, file, veto_prompt_type),
        states={_INITIAL: states[_INITIAL], **states},
        environments={
            path.stem: _environment(path)
            for path in sorted(folder.glob("*.json"))
            if not path.name.startswith("_")
        },
        choices=master.possible_env_vars,
        max_turns=_TURNS,
        source=source,
    )
    _check_actions(script, folder)
    check_script(script, lambda place: _where(place, folder, file))
    return script


def _check_actions(script: DialogueScript, folder: Path) -> None:
    """Refuse actions of characters that would be drawn anew whenever a state is entered."""
    lines = [line.text for state in script.states.values() for line in state.history]
    if not any(f"{{{_ACTION}}}" in text for text in lines):
        return
    for name, environment in script.environments.items():
        known = environment.variables
        if _ACTION not in known and {f"{_ACTION}1", f"{_ACTION}2"} <= known.keys():
            raise ConfigError(
                f"{folder / name}.json: {_ACTION}1 and {_ACTION}2: that one of them is drawn on "
                f"entry of a state is not supported; give {_ACTION} itself"
            )


def _state(state: _State) -> State:
    transitions = {label: to.next_state for label, to in (state.valid_transitions or {}).items()}
    history = tuple(said.line for said in state.history or ())
    default = state.default_transition if transitions else None
    return State(transitions, default, history, state.terminal)


def _assessors(master: _Master, file: YamlFile, veto_prompt_type: str) -> dict[str, Assessor]:
    assessors = {}
    for seat in ASSESSORS:
        key = _CONFIGS[seat]
        config: _Assessor | None = getattr(master, key)
        if config is None:
            continue
        tokens = config.valid_tokens or []
        is_graded = seat == "transition" and bool(tokens) and all(map(str.isdigit, tokens))
        if seat != "transition" and len(tokens) < 2:
            place = file.where((key, "valid_tokens"))
            raise ConfigError(f"{place}: valid_tokens must be at least two, got {tokens!r}")
        variant = veto_prompt_type if seat == "influence" else "normal"
        briefing, question = _prompts(config, variant, file.where((key,)))
        needs_scale = seat != "transition" or is_graded
        assessors[seat] = Assessor(
            question,
            _scale(tokens, file.where((key, "valid_tokens"))) if needs_scale else None,
            briefing=briefing,
            graded=is_graded,
            verbatim=True,
            labels=() if needs_scale else tuple(tokens),
        )
    return assessors


def _prompts(config: _Assessor, variant: str, where: str) -> tuple[str, str]:
    """System prompt and suffix of a variant."""
    prefix = "" if variant == "normal" else f"{variant}_"
    names = (f"{prefix}system_prompt", f"{prefix}prompt_suffix")
    briefing, question = (getattr(config, name) for name in names)
    if briefing is None or question is None:
        raise ConfigError(f"{where}: veto_prompt_type {variant!r} needs keys {names!r}")
    if not question.strip():
        raise ConfigError(f"{where}: {names[1]} must ask something, got {question!r}")
    return briefing, question


def _scale(tokens: list[str], where: str) -> Scale:
    """Digits are worth themselves; yes and no are worth 1 and 0."""
    words = {"yes": 1.0, "no": 0.0}
    try:
        return Scale({token: words[token] if token in words else float(token) for token in tokens})
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from error


def _environment(path: Path) -> DialogueEnvironment:
    try:
        data = json.loads(path.read_bytes(), object_pairs_hook=_each_once)
        read = _Environment.model_validate(data)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(_not_an_environment(path, error)) from error
    variables = {"env_name": path.stem, **read.__pydantic_extra__}
    return DialogueEnvironment(
        path.stem.partition("_")[0],
        {name: _value(value) for name, value in variables.items()},
        {
            number: InitialState(tuple(said.line for said in history))
            for number, history in read.histories.items()
        },
    )


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON: of a key that stands there twice one value would be lost."""
    read = dict(pairs)
    if len(read) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} stands there twice")
    return read


def _value(value: Any) -> str:
    """A variable as text; what is no text names no variables, whatever braces it has."""
    return value if isinstance(value, str) else f"{value}".replace("{", "{{").replace("}", "}}")


def _not_an_environment(path: Path, error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "\n".join(f"{path}: {problem(part, part['loc'])}" for part in error.errors())
    if isinstance(error, json.JSONDecodeError):
        return f"{path}:{error.lineno}: not JSON: {error.msg}"
    return f"{path} cannot be read: {error}"


def _where(place: Place, folder: Path, file: YamlFile) -> str:
    """File and line, or file and key, where a place of a script stands."""
    match place:
        case ("environments", name, "initial_states", *key):
            inner = [part for part in key if part != "history"]
            return f"{folder / str(name)}.json: {'.'.join(map(str, ['histories', *inner]))}"
        case ("environments", name, *key):
            return f"{folder / str(name)}.json: {'.'.join(map(str, key))}"
        case ("variables", name):
            return file.where(("possible_env_vars", name))
        case ("states", *key):
            return file.where(("state_config", *(_THEIR_KEYS.get(part, part) for part in key)))
        case ("assistant" | "character" | "transition" | "preference" | "influence" as seat, *key):
            return file.where((_CONFIGS[str(seat)], *(_THEIR_KEYS.get(part, part) for part in key)))
    return f"{folder}"


_CONFIGS: Final = {
    "assistant": "agent_config",
    "character": "character_config",
    "transition": "transition_model_config",
    "preference": "preference_model_config",
    "influence": "influence_detector_model_config",
}
_THEIR_KEYS: Final[dict[str | int, str]] = {
    "transitions": "valid_transitions",
    "default": "default_transition",
    "labels": "valid_tokens",
    "briefing": "system_prompt",
}
