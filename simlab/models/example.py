"""An example of a schema's values: always the same one, and one that fits."""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

from simlab.models.answer_schema import Schema, choices_of, members_of

_TEXTS = {
    "date": "2024-01-31",
    "date-time": "2024-01-31T12:00:00",
    "time": "12:00:00",
    "email": "name@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "duration": "PT1H",
}


def example_of(schema: Schema, nth: int = 0) -> Any:
    """Plain data of the schema: its own ``examples`` first, then its default, then the middle.

    Patterns and validators are beyond it; whoever shows an example checks it against the space.

    Args:
        schema: Without references.
        nth: 0 for the usual example; other numbers give others, for lists without repetition.
    """
    if examples := schema.get("examples"):
        return examples[nth % len(examples)]
    if schema.get("default") is not None and nth == 0:
        return schema["default"]
    member = next((part for part in members_of(schema) if part.get("type") != "null"), {})
    if choices := choices_of(member):
        return choices[nth % len(choices)]
    if member is not schema and "examples" in member:
        return example_of(member, nth)
    return _of_type(member, nth)


def _of_type(schema: Schema, nth: int) -> Any:
    return _MAKERS.get(schema.get("type", "string"), _text)(schema, nth)


def _object(schema: Schema, nth: int) -> dict[str, Any]:
    fields = schema.get("properties", {})
    if fields:
        return {name: example_of(field, nth) for name, field in fields.items()}
    values = schema.get("additionalProperties")
    return {"name": example_of(values, nth)} if isinstance(values, dict) else {}


def _list(schema: Schema, nth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [example_of(place, nth) for place in schema["prefixItems"]]
    length = max(schema.get("minItems", 0), min(1, schema.get("maxItems", 1)))
    others = itertools.count(nth) if schema.get("uniqueItems") else itertools.repeat(nth)
    return [
        example_of(schema.get("items", {}), other) for other in itertools.islice(others, length)
    ]


def _whole_number(schema: Schema, nth: int) -> int | float:
    """A multiple of the step, which is 1 unless the schema says otherwise, near the middle."""
    step = schema.get("multipleOf", 1)
    lowest, highest = _lowest(schema, step), _highest(schema, step)
    if lowest is not None and highest is not None and lowest <= highest:
        steps = lowest + ((highest - lowest) // 2 + nth) % (highest - lowest + 1)
    elif lowest is not None:
        steps = max(lowest, 1) + nth
    else:
        steps = (1 if highest is None else min(highest, 1)) - nth
    return steps * step  # type: ignore[no-any-return] # the step is a number of the schema's


def _lowest(schema: Schema, step: float) -> int | None:
    bounds = [math.ceil(schema["minimum"] / step)] if "minimum" in schema else []
    if "exclusiveMinimum" in schema:
        bounds.append(math.floor(schema["exclusiveMinimum"] / step) + 1)
    return max(bounds, default=None)


def _highest(schema: Schema, step: float) -> int | None:
    bounds = [math.floor(schema["maximum"] / step)] if "maximum" in schema else []
    if "exclusiveMaximum" in schema:
        bounds.append(math.ceil(schema["exclusiveMaximum"] / step) - 1)
    return min(bounds, default=None)


def _number(schema: Schema, nth: int) -> float:
    lowest = schema.get("minimum", schema.get("exclusiveMinimum"))
    highest = schema.get("maximum", schema.get("exclusiveMaximum"))
    if "multipleOf" in schema:
        return float(_whole_number(schema, nth))
    if lowest is not None and highest is not None:
        return float(lowest + (highest - lowest) / (2 + nth))
    if lowest is not None:
        return float(max(lowest + 1, 1) + nth)
    return float((1 if highest is None else min(highest - 1, 1)) - nth)


def _text(schema: Schema, nth: int) -> str:
    words = _TEXTS.get(schema.get("format", ""), "some words" + f" {nth}" * bool(nth))
    return words.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


_MAKERS: Mapping[str, Callable[[Schema, int], Any]] = {
    "object": _object,
    "array": _list,
    "integer": _whole_number,
    "number": _number,
    "boolean": lambda _schema, nth: bool(nth % 2),
    "null": lambda _schema, _nth: None,
    "string": _text,
}
