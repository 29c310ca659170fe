"""JSON schemas as a grammar of tokens holds them, and the refusal of what it would leave out.

xgrammar turns a schema into a grammar and leaves out, without a word, what it does not know; and
its strings of bounded length may hold control characters, which JSON forbids (seen with 0.2.8).
What passes here gives only texts that are valid JSON and valid under the schema.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from simlab.errors import ModelError
from simlab.models.model import Prompt, Sampling, begun_reply

_PYTHON: Mapping[str, Any] = {
    "object": Mapping,
    "array": list | tuple,
    "string": str,
    "integer": int,
    "number": int | float,
    "null": type(None),
}
"""What values of a JSON type are here; a bool is none of these."""

_NOTES = frozenset(
    [
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "discriminator",
        "$schema",
        "$id",
        "$comment",
        "$defs",
        "definitions",
    ]
)
"""Keywords that forbid no value; the last two hold schemas for others to refer to."""

_BOUNDS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
_OF_TYPE: Mapping[str, frozenset[str]] = {
    "object": frozenset(
        ["properties", "required", "additionalProperties", "minProperties", "maxProperties"]
    ),
    "array": frozenset(["items", "prefixItems", "minItems", "maxItems"]),
    "string": frozenset(["minLength", "maxLength", "pattern", "format"]),
    "integer": _BOUNDS,
    "number": _BOUNDS,
    "boolean": frozenset(),
    "null": frozenset(),
}
"""Keywords that are held, by the type that must be named beside them."""

_ALONE = ("$ref", "enum", "const", "anyOf", "oneOf", "allOf")
"""Keywords that make xgrammar leave out all others beside them."""

_FORMATS = (
    "date",
    "time",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uuid",
    "uri",
    "uri-reference",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
)
"""Formats that shape a text; that a day is in its month is not looked at."""

_LETTER = "[ -!#-\\[\\]-\ud7ff\ue000-\U0010ffff]"
"""A letter of a bounded string: it needs no escape, so that each is one letter of the text."""

_PLAIN_PATTERN = re.compile(r"(?:[^\\.(\[\"\x00-\x1f]|\\[dw$./+*?()|-]|\((?!\?)|\(\?:|\[(?!\^))*")
"""Patterns that are read as they are meant and cannot give what JSON must escape."""


def check_schema_alone(prompt: Prompt, sampling: Sampling) -> None:
    """See that a request with a schema has nothing beside it that would break the reply.

    Raises:
        ModelError: The reply is begun, or may be cut off by a stop text.
    """
    if sampling.schema is None:
        return
    if begun := begun_reply(prompt):
        raise ModelError(
            f"a schema holds a whole reply, and this one is begun with {begun!r}; leave out one of "
            "them"
        )
    if sampling.stop:
        raise ModelError(
            f"a schema ends a completion by itself, got the stop texts {sampling.stop!r} beside "
            "one; leave out one of them"
        )


def grammar_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema to make a grammar of, for texts that are valid under `schema`.

    It may allow fewer texts: a pattern is of the whole string, and a string of bounded length has
    no quotes, backslashes and control characters.

    Raises:
        ModelError: A keyword cannot be held, or has a value of a wrong form; names where it stands.
    """
    held = _Walk(schema).held(schema, "$")
    assert isinstance(held, dict), "a mapping stays one"
    return held


class _Walk:
    """Goes through a schema and all that it holds."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def held(self, part: Any, place: str) -> Any:
        """What the grammar is made of for a part of the schema."""
        if isinstance(part, bool):
            return part
        if not isinstance(part, Mapping):
            raise ModelError(f"a JSON schema must be an object or a bool at {place}, got {part!r}")
        keys = {key: value for key, value in part.items() if key not in _NOTES}
        shared = {
            key: self._all(part[key], f"{place}.{key}")
            for key in ("$defs", "definitions")
            if key in part
        }
        alone = next((key for key in _ALONE if key in keys), None)
        held = self._plain(keys, place) if alone is None else self._alone(alone, keys, place)
        return {**held, **shared}

    def _plain(self, keys: Mapping[str, Any], place: str) -> dict[str, Any]:
        """A schema that names its type."""
        known = {"type"}.union(*(_OF_TYPE[kind] for kind in _types(keys, place)))
        if others := [key for key in keys if key not in known]:
            beside = f"beside type {keys['type']!r}" if "type" in keys else "without a type"
            raise _refusal(place, f"{others[0]!r} {beside}")
        held = dict(keys)
        for key in ("items", "additionalProperties"):
            if key in keys:
                held[key] = self.held(keys[key], f"{place}.{key}")
        if "prefixItems" in keys:
            held["prefixItems"] = self._each(keys, "prefixItems", place)
        properties = self._all(keys.get("properties", {}), f"{place}.properties")
        if "properties" in keys:
            held["properties"] = properties
        required = _list(keys, "required", place)
        if unknown := [name for name in required if name not in list(properties)]:
            raise _refusal(place, f"'required' of {unknown[0]!r}, which is no property,")
        if "minProperties" in keys and keys.get("additionalProperties") is not False:
            # a name may come twice, which counts as one
            raise _refusal(place, "'minProperties' without 'additionalProperties': false")
        return _with_held_text(held, place)

    def _alone(self, alone: str, keys: Mapping[str, Any], place: str) -> dict[str, Any]:
        """A schema with a keyword beside which no other is held."""
        value = keys[alone]
        others = [key for key in keys if key != alone]
        if alone in ("enum", "const") and others == ["type"]:
            values = _list(keys, "enum", place) if alone == "enum" else [value]
            types = _types(keys, place)
            if not all(any(_is_of(one, kind) for kind in types) for one in values):
                raise _refusal(place, f"{alone!r} of other values than {keys['type']!r}")
        elif others:
            raise _refusal(place, f"{others[0]!r} beside {alone!r}")
        if alone == "$ref":
            self._resolved(keys, place)
        if alone in ("$ref", "enum", "const"):
            return {alone: value}
        return self._union(alone, self._each(keys, alone, place), place)

    def _union(self, kind: str, members: list[Any], place: str) -> dict[str, Any]:
        if kind == "allOf" and len(members) > 1:
            raise _refusal(place, "'allOf' of several schemas")
        if kind == "oneOf" and not all(
            self._are_apart(one, other, place) for one, other in combinations(members, 2)
        ):
            raise _refusal(place, "'oneOf' of schemas that one value may fit at once")
        return {"allOf" if kind == "allOf" else "anyOf": members}

    def _each(self, keys: Mapping[str, Any], key: str, place: str) -> list[Any]:
        return [
            self.held(part, f"{place}.{key}[{number}]")
            for number, part in enumerate(_list(keys, key, place))
        ]

    def _all(self, parts: Any, place: str) -> dict[str, Any]:
        if not isinstance(parts, Mapping):
            raise ModelError(f"a JSON schema must have an object at {place}, got {parts!r}")
        return {name: self.held(part, f"{place}.{name}") for name, part in parts.items()}

    def _are_apart(self, one: Any, other: Any, place: str) -> bool:
        """Whether no value can fit both, as far as types and constants tell."""
        one, other = self._resolved(one, place), self._resolved(other, place)
        if _values(one) and _values(other):
            return not _values(one) & _values(other)
        if "type" not in one or "type" not in other:
            return False
        if not _kinds(one, place) & _kinds(other, place):
            return True
        tags, others = _tags(one), _tags(other)
        return any(not tags[name] & others[name] for name in tags.keys() & others.keys())

    def _resolved(self, part: Any, place: str) -> Mapping[str, Any]:
        """What a schema refers to, or the schema itself."""
        seen: list[str] = []
        while isinstance(part, Mapping) and "$ref" in part:
            target = part["$ref"]
            if not isinstance(target, str) or not target.startswith("#") or target in seen:
                raise _refusal(place, f"'$ref' to {target!r}")
            seen.append(target)
            part = self._root
            for name in target.removeprefix("#").split("/")[1:]:
                if not isinstance(part, Mapping) or name not in part:
                    raise _refusal(place, f"'$ref' to {target!r}, which is not there,")
                part = part[name]
        return part if isinstance(part, Mapping) else {}


def _with_held_text(held: dict[str, Any], place: str) -> dict[str, Any]:
    """Bounds of a string's length as a pattern, which alone is held as it is meant."""
    bounds = [key for key in ("minLength", "maxLength") if key in held]
    form = next((key for key in ("pattern", "format") if key in held), None)
    if bounds and form:
        raise _refusal(place, f"{bounds[0]!r} beside {form!r}")
    pattern = held.get("pattern", "")
    if not isinstance(pattern, str) or not _PLAIN_PATTERN.fullmatch(pattern):
        raise _refusal(place, f"'pattern' {pattern!r}")
    if "format" in held and held["format"] not in _FORMATS:
        raise _refusal(place, f"'format' {held['format']!r}")
    if bounds:
        least, most = held.pop("minLength", 0), held.pop("maxLength", "")
        held["pattern"] = f"^{_LETTER}{{{least},{most}}}$"
    return held


def _types(keys: Mapping[str, Any], place: str) -> list[str]:
    """The types that a schema names; none if it names none."""
    named = keys.get("type", [])
    types = [named] if isinstance(named, str) else _list(keys, "type", place)
    if unknown := [kind for kind in types if not isinstance(kind, str) or kind not in _OF_TYPE]:
        raise _refusal(place, f"type {unknown[0]!r}")
    return types


def _list(keys: Mapping[str, Any], key: str, place: str) -> list[Any]:
    """The list under a keyword; empty if there is none."""
    value = keys.get(key, [])
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ModelError(f"a JSON schema must have a list at {place}.{key}, got {value!r}")
    return list(value)


def _kinds(part: Mapping[str, Any], place: str) -> set[str]:
    """The types of a schema, with those that they contain."""
    kinds = set(_types(part, place))
    return kinds | {"integer"} if "number" in kinds else kinds


def _values(part: Any) -> set[str]:
    """The values of an ``enum`` or ``const``, encoded so that 1 and true differ."""
    if not isinstance(part, Mapping):
        return set()
    values: Iterable[Any] = [part["const"]] if "const" in part else part.get("enum", ())
    return {json.dumps(value, sort_keys=True) for value in values}


def _tags(part: Mapping[str, Any]) -> dict[str, set[str]]:
    """The values of each property that must be there and has an ``enum`` or ``const``."""
    properties = part.get("properties", {})
    values = {name: _values(properties.get(name)) for name in part.get("required", ())}
    return {name: found for name, found in values.items() if found}


def _is_of(value: Any, kind: str) -> bool:
    """Whether a value is of a JSON type."""
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    return isinstance(value, _PYTHON[kind])


def _refusal(place: str, what: str) -> ModelError:
    return ModelError(
        f"a completion cannot be held to a JSON schema with {what} at {place}; leave it out and "
        "check the answer"
    )
