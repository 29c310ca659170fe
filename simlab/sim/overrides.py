"""Overrides: what is said beside a run file, of its models and of any of its keys."""

import importlib.util
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from simlab.errors import ConfigError
from simlab.find import near
from simlab.models.engines import ENGINES, ModelSpec, embeds, engine_class, options_of
from simlab.sim.kinds import USUAL, find_agent, find_judge
from simlab.sim.make import parameters
from simlab.sim.places import with_places
from simlab.yaml_file import Setting, with_settings

ALL = "all"
"""In ``models``: settings for every language model of the run.

An engine that is said of all replaces those of its kind: a language model takes no embedder's
place, nor an embedder that of a language model. Only `_SCRIPTED` stands for both kinds. Other
settings, such as ``weights``, are not for embedders.
"""

_SCRIPTED, _SCRIPTED_EMBEDDER = "scripted", "scripted-embedding"

_OF_ALL_KINDS = ("agent", "persistent", "of", *ModelSpec.model_fields)
"""Keys that are not options of an agent, a judge or an engine."""


def overridden(
    data: Mapping[str, Any], *, models: Sequence[str] = (), settings: Sequence[str] = ()
) -> dict[str, Any]:
    """The data of a run file with what is said beside it, and of `ALL` models put into each.

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
    changed = with_settings(changed, settings)
    if "models" in changed:
        changed["models"] = _spread(changed["models"])
    return with_places(changed, Path.cwd())


def with_models(data: Mapping[str, Any], models: Sequence[str]) -> dict[str, Any]:
    """The data of a run file with other engines.

    What a model had of options belonged to its old engine and goes.

    Args:
        data: Not changed.
        models: ``NAME=ENGINE[:WEIGHTS]`` each; the name may be `ALL`, the engine one of the user's
            own, such as ``file.py:Class``. An embedder becomes a scripted one by ``scripted``.

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
            spec = _model(engine)
            kind = _engine_for(specs[replaced], spec["engine"], of_all=name == ALL)
            if kind is not None:
                specs[replaced] = {**spec, "engine": kind}
    return {**data, "models": specs}


def _spread(models: Any) -> Any:
    """What a run file has under ``models``, with what is said of all of them put into each.

    What is of another form than models have is left for the check of all.
    """
    if not isinstance(models, dict) or ALL not in models:
        return models
    if not all(isinstance(spec, dict) for spec in models.values()):
        return models
    return {
        name: {**spec, **_said_of(spec, models[ALL])}
        for name, spec in models.items()
        if name != ALL
    }


def _said_of(spec: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """What is said of all models, as it holds for one of them."""
    if "engine" not in said:
        return {} if embeds(spec) else said
    kind = _engine_for(spec, said["engine"], of_all=True)
    if kind is None:
        return {}
    return said if kind == said["engine"] else {"engine": kind}


def _engine_for(old: Any, engine: str, *, of_all: bool) -> str | None:
    """What another engine that is said of a model, or of all, means for it; None: nothing."""
    if not isinstance(old, dict) or "engine" not in old:
        return engine
    if embeds(old) == embeds({"engine": engine}):
        return engine
    if engine == _SCRIPTED:
        return _SCRIPTED_EMBEDDER
    return None if of_all else engine


def _model(given: str) -> dict[str, Any]:
    """What ``ENGINE[:WEIGHTS]`` says of a model; the name of a class has a colon of its own."""
    engine, _, weights = given.partition(":")
    if engine not in ENGINES and weights and _is_module(engine):
        name, _, weights = weights.partition(":")
        engine = f"{engine}:{name}"
    return {"engine": engine, **({"weights": weights} if weights else {})}


def _is_module(name: str) -> bool:
    """Whether a name is that of a module or a file, and not a short one that is misspelt."""
    if "." in name or name in sys.modules:  # a script, which runs as __main__, has no spec to find
        return True
    return name.isidentifier() and importlib.util.find_spec(name) is not None


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
        case ("models", name, "engine"), str() as kind:
            return _with_engine(data, name, kind)
    return data


def _with_engine(data: dict[str, Any], name: str, engine: str) -> dict[str, Any]:
    """The data without the options that what another engine replaces had for itself."""
    specs = data.get("models")
    kinds: dict[str, str | None] = {name: engine}
    if name == ALL and isinstance(specs, dict):
        kinds = {each: _engine_for(spec, engine, of_all=True) for each, spec in specs.items()}
    for each, kind in kinds.items():
        if kind is not None:
            with suppress(ConfigError):
                taken = options_of(engine_class(kind))
                data = _refitted(data, ("models", each, "engine"), kind, taken)
    return data


def _refitted(
    data: dict[str, Any], place: tuple[str, str, str], kind: str, taken: Collection[str] | None
) -> dict[str, Any]:
    """The data in which an entry of another kind than the new one has only options it takes."""
    group, name, key = place
    entries = data.get(group)
    if taken is None or not isinstance(entries, dict):
        return data
    names = [name, *_refining(name, entries)] if group == "cast" else [name]
    usual = _given(entries, name).get(key, USUAL)
    refitted = {
        each: {k: v for k, v in entries[each].items() if k in taken or k in _OF_ALL_KINDS}
        for each in names
        if isinstance(entries.get(each), dict) and entries[each].get(key, usual) != kind
    }
    return {**data, group: {**entries, **refitted}}


def _refining(pattern: str, cast: Mapping[str, Any]) -> list[str]:
    """The seats whose entries add to what a pattern says: they name no agent of their own."""
    names = [name for name in {**cast, pattern: None} if isinstance(name, str)]
    patterns = [name for name in names if any(mark in name for mark in "*?[")]

    def holds(seat: str) -> bool:
        fitting = [each for each in patterns if fnmatchcase(seat, each)]
        return seat not in patterns and fitting[-1:] == [pattern]

    return [name for name in names if holds(name) and "agent" not in _given(cast, name)]


def _given(entries: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An entry as it is given; of another form it is left for the check of all."""
    entry = entries.get(name)
    return entry if isinstance(entry, dict) else {}
