"""Overrides: what is said beside a run file, of its models and of any of its keys."""

import importlib.util
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from simlab.errors import ConfigError
from simlab.find import near
from simlab.models.engines import ENGINES, ModelSpec, engine_class, options_of
from simlab.sim.kinds import USUAL, find_agent, find_judge
from simlab.sim.make import parameters
from simlab.sim.places import with_places
from simlab.sim.yaml_file import Setting, with_settings

ALL = "all"
"""In ``models``: settings for every model of the run."""

_OF_ALL_KINDS = ("agent", "persistent", "of", *ModelSpec.model_fields)
"""Keys that are not options of an agent, a judge or an engine."""


def overridden(
    data: Mapping[str, Any], *, models: Sequence[str] = (), settings: Sequence[str] = ()
) -> dict[str, Any]:
    """The data of a run file with what is said beside it.

    Whoever is set to another ``agent``, or another ``engine``, keeps of the options that the file
    gives only those that the new kind takes. A relative ``file.py`` stands in the working
    directory.

    Args:
        data: Not changed.
        models: ``NAME=ENGINE[:WEIGHTS]`` each; applied before `settings`.
        settings: ``a.b=value`` each.

    Raises:
        ConfigError: One is of another form, or names a model that the run has not.
    """
    changed = with_models(data, models)
    for setting in map(Setting.read, settings):
        changed = _with_kind(changed, setting)
    return with_places(with_settings(changed, settings), Path.cwd())


def with_models(data: Mapping[str, Any], models: Sequence[str]) -> dict[str, Any]:
    """The data of a run file with other engines.

    What a model had of options belonged to its old engine and goes.

    Args:
        data: Not changed.
        models: ``NAME=ENGINE[:WEIGHTS]`` each; the name may be `ALL`, the engine one of the user's
            own, such as ``file.py:Class``.

    Raises:
        ConfigError: One is not of this form, or names a model that the run has not.
    """
    if not isinstance(data.get("models", {}), dict):  # is refused when all is checked
        return dict(data)
    specs = dict(data.get("models", {}))
    for model in models:
        name, equals, engine = model.partition("=")
        if not equals or not name or not engine:
            raise ConfigError(
                f"--model takes NAME=ENGINE[:WEIGHTS] such as all=scripted, got {model!r}"
            )
        if name != ALL and name not in specs:
            raise ConfigError(
                f"--model {model}: the run has no model {name!r}; {near(name, [*specs])}"
            )
        for replaced in specs if name == ALL else [name]:
            specs[replaced] = _model(engine)
    return {**data, "models": specs}


def _model(given: str) -> dict[str, Any]:
    """What ``ENGINE[:WEIGHTS]`` says of a model; the name of a class has a colon of its own."""
    engine, _, weights = given.partition(":")
    if engine not in ENGINES and weights and _is_module(engine):
        name, _, weights = weights.partition(":")
        engine = f"{engine}:{name}"
    return {"engine": engine, **({"weights": weights} if weights else {})}


def _is_module(name: str) -> bool:
    """Whether a name is that of a module or a file, and not a short one that is misspelt."""
    return "." in name or (name.isidentifier() and importlib.util.find_spec(name) is not None)


def _with_kind(data: dict[str, Any], setting: Setting) -> dict[str, Any]:
    """The data without the options that what a setting replaces had for itself.

    A kind that is not there is left for the check of all, which tells the line.
    """
    match setting.keys, setting.value:
        case ("cast" | "judges" as group, name, "agent" as key), str() as kind:
            find = find_agent if group == "cast" else find_judge
            with suppress(ConfigError):
                found = find(kind)
                taken = parameters(found) if isinstance(found, type) else set()
                return _refitted(data, (group, name, key), kind, taken)
        case ("models" as group, name, "engine" as key), str() as kind:
            with suppress(ConfigError):
                return _refitted(data, (group, name, key), kind, options_of(engine_class(kind)))
    return data


def _refitted(
    data: dict[str, Any], place: tuple[str, str, str], kind: str, taken: Collection[str] | None
) -> dict[str, Any]:
    """The data in which an entry of another kind than the new one has only options it takes."""
    group, name, key = place
    entries = data.get(group)
    if taken is None or not isinstance(entries, dict):
        return data
    names = entries if (group, name) == ("models", ALL) else {name} & entries.keys()
    refitted = {
        each: {k: v for k, v in entries[each].items() if k in taken or k in _OF_ALL_KINDS}
        for each in names
        if isinstance(entries[each], dict) and entries[each].get(key, USUAL) != kind
    }
    return {**data, group: {**entries, **refitted}}
