"""A JSON schema in words that a model of 135 million parameters and a person understand."""

import json
from collections.abc import Sequence
from typing import Any

from simlab.models.answer_schema import Schema, choices_of, meaning_of, members_of

write_json = json.JSONEncoder(ensure_ascii=False).encode
"""JSON as models are shown it; `json.dumps` would make an encoder each time."""

_TEXTS = {
    "date": "a date such as 2024-01-31",
    "date-time": "a date and time such as 2024-01-31T12:00:00",
    "time": "a time such as 12:00:00",
    "email": "an e-mail address",
    "uri": "a web address",
    "uuid": "a UUID",
}
_BOUNDS = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "more than"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "less than"),
    ("multipleOf", "a multiple of"),
)
_PLAIN = {"boolean": "true or false", "null": "null"}


def kind_in_words(schema: Schema) -> str:
    """What a value is, such as ``"a whole number from 1 to 5"`` or ``'"yes" or "no"'``."""
    members = members_of(schema)
    if len(members) > 1:
        return " or ".join(dict.fromkeys(kind_in_words(member) for member in members))
    if choices := choices_of(schema):
        return choices_in_words(choices)
    kind = schema.get("type")
    if kind in ("integer", "number"):
        noun = "a whole number" if kind == "integer" else "a number"
        return noun + _bounds_in_words(schema)
    if kind == "array":
        return _list_in_words(schema)
    if kind == "object":
        return _object_in_words(schema)
    return _PLAIN.get(kind or "", "") or _text_in_words(schema)


def fields_in_words(schema: Schema) -> str:
    """A line for each field of an object: name, kind, whether it may be left out, meaning."""
    required = schema.get("required", ())
    lines = []
    for name, field in schema.get("properties", {}).items():
        optional = "" if name in required else " (may be left out)"
        meaning = f", {meaning_of(field)}" if meaning_of(field) else ""
        lines.append(f"- {name}: {kind_in_words(field)}{meaning}{optional}")
    return "\n".join(lines)


def choices_in_words(choices: Sequence[Any]) -> str:
    """Plain choices as JSON writes them, the last after ``or``."""
    texts = [write_json(choice) for choice in choices]
    return " or ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _bounds_in_words(schema: Schema) -> str:
    bounds = _closed(schema) if schema["type"] == "integer" else schema
    lowest, highest = bounds.get("minimum"), bounds.get("maximum")
    if lowest is not None and highest is not None:
        return f" from {_digits(lowest)} to {_digits(highest)}"
    words = [f"{words} {_digits(bounds[key])}" for key, words in _BOUNDS if key in bounds]
    return " " + " and ".join(words) if words else ""


def _closed(schema: Schema) -> Schema:
    """The bounds of whole numbers with those that are excluded told as those that are not."""
    bounds = {key: schema[key] for key, _ in _BOUNDS if key in schema}
    if "exclusiveMinimum" in bounds:
        above = bounds.pop("exclusiveMinimum") + 1
        bounds["minimum"] = max(above, bounds.get("minimum", above))
    if "exclusiveMaximum" in bounds:
        below = bounds.pop("exclusiveMaximum") - 1
        bounds["maximum"] = min(below, bounds.get("maximum", below))
    return bounds


def _digits(bound: float) -> str:
    return str(int(bound)) if float(bound).is_integer() else str(bound)


def _text_in_words(schema: Schema) -> str:
    words = _TEXTS.get(schema.get("format", ""), "text")
    if pattern := schema.get("pattern"):
        words += f" that matches {pattern}"
    return words + _count_in_words(schema, "Length", "characters")


def _list_in_words(schema: Schema) -> str:
    if places := schema.get("prefixItems"):
        return f"a list of {len(places)}: {', '.join(kind_in_words(place) for place in places)}"
    each = kind_in_words(schema.get("items", {}))
    return f"a list{_count_in_words(schema, 'Items', 'items')}, each {each}"


def _count_in_words(schema: Schema, what: str, noun: str) -> str:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if least and most is not None:
        return f" of {least} {noun}" if least == most else f" of {least} to {most} {noun}"
    if least:
        return f" of at least {least} {noun}"
    return f" of at most {most} {noun}" if most is not None else ""


def _object_in_words(schema: Schema) -> str:
    fields = schema.get("properties", {})
    if fields:
        inside = "; ".join(f"{name}: {kind_in_words(field)}" for name, field in fields.items())
        return f"an object with {inside}"
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return f"an object of names, each with {kind_in_words(values)}"
    return "an object"
