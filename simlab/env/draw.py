"""Random values of a JSON schema, to play legal actions at random.

The schemas are those that pydantic writes. What a schema cannot say, such as a validator's rule, is
left to the caller, who draws again.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from numpy.random import Generator

Schema = Mapping[str, Any]
T = TypeVar("T")

_WORDS = ("yes", "no", "perhaps", "seven", "fair", "wait", "a little", "naïve", "dörfer", "道")
_MAX_DEPTH = 4
"""Below this depth lists stay empty and unions avoid references, so that recursive schemas end."""


def draw(schema: Schema, rng: Generator) -> Any:
    """Plain data that satisfies `schema`: bounds, choices and lengths, but no patterns.

    Numbers without an upper bound are drawn log-uniformly up to 100,000 beyond the lower one, so
    that small and large ones both occur. Optional fields are there half of the time.

    Args:
        schema: A JSON schema, with its ``$defs`` where it refers to any.
        rng: Draws everything.
    """
    return _Drawing(schema.get("$defs", {}), rng).value(schema, 0)


def choice(options: Sequence[T], rng: Generator) -> T:
    """One of `options` as it is; NumPy's own `choice` would make an array of them."""
    return options[int(rng.integers(len(options)))]


class _Drawing:
    """One draw: the definitions that a schema refers to, and the generator."""

    def __init__(self, definitions: Mapping[str, Schema], rng: Generator) -> None:
        self._definitions = definitions
        self._rng = rng

    def value(self, schema: Schema, depth: int) -> Any:
        if "$ref" in schema:
            return self.value(self._definitions[schema["$ref"].rsplit("/", 1)[-1]], depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return choice(schema["enum"], self._rng)
        if "anyOf" in schema or "oneOf" in schema:
            return self.value(self._member(schema.get("anyOf") or schema["oneOf"], depth), depth)
        return self._of_type(schema, depth)

    def _of_type(self, schema: Schema, depth: int) -> Any:
        kind = schema.get("type", "string")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind == "null":
            return None
        return self._scalar(kind, schema)

    def _scalar(self, kind: str, schema: Schema) -> str | float | bool:
        match kind:
            case "integer":
                return self._integer(schema)
            case "number":
                return self._number(schema)
            case "boolean":
                return bool(self._rng.random() < 0.5)
            case _:
                return self._text(schema)

    def _member(self, members: Sequence[Schema], depth: int) -> Schema:
        flat = [member for member in members if "$ref" not in member]
        return choice(flat if flat and depth >= _MAX_DEPTH else members, self._rng)

    def _integer(self, schema: Schema) -> int:
        low, high = self._bounds(schema)
        step = schema.get("multipleOf", 1)
        first = math.floor(low / step) + 1 if _is_open(schema, low) else math.ceil(low / step)
        last = math.ceil(high / step) - 1 if _is_open(schema, high) else math.floor(high / step)
        return int(step * self._rng.integers(first, max(first, last), endpoint=True))

    def _number(self, schema: Schema) -> float:
        low, high = self._bounds(schema)
        return float(low + (high - low) * (1 - self._rng.random()))

    def _bounds(self, schema: Schema) -> tuple[float, float]:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        width = 10.0 ** self._rng.uniform(0, 5)
        if low is None:
            low = -width if high is None else high - width
        return low, low + width if high is None else high

    def _text(self, schema: Schema) -> str:
        words = " ".join(choice(_WORDS, self._rng) for _ in range(int(self._rng.integers(1, 4))))
        return words.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        first = [self.value(item, depth + 1) for item in schema.get("prefixItems", ())]
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", least + 3), least if depth >= _MAX_DEPTH else least + 3)
        length = int(self._rng.integers(least, most, endpoint=True))
        items = schema.get("items", {})
        return first + [self.value(items, depth + 1) for _ in range(length - len(first))]

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        drawn = {
            name: self.value(field, depth + 1)
            for name, field in schema.get("properties", {}).items()
            if name in required or self._rng.random() < 0.5
        }
        values = schema.get("additionalProperties")
        if isinstance(values, Mapping):
            drawn |= {word: self.value(values, depth + 1) for word in self._text({}).split()}
        return drawn


def _is_open(schema: Schema, bound: float) -> bool:
    return bound in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"))
