"""The flat JSON schema of a space, from which questions, examples and beginnings are made."""

from collections.abc import Mapping
from typing import Any

from simlab.env.spaces import json_schema

Schema = Mapping[str, Any]
"""A JSON schema without references."""


def answer_schema(space: Any) -> Schema:
    """The JSON schema of `space` with every reference replaced by what it refers to.

    Args:
        space: As in `ActionRequest.space`.

    Returns:
        A schema without ``$ref``, ``$defs`` and a title of its own.

    Raises:
        TypeError: `space` is not a type or a space.
        ValueError: The type contains itself, so that it has no flat schema.
    """
    schema = json_schema(space)
    flat = _inlined(schema, schema.get("$defs", {}), ())
    return {key: value for key, value in flat.items() if key != "title"}


def is_free_text(schema: Schema) -> bool:
    """Whether any words are an answer, so that none need be quoted."""
    return schema.get("type") == "string" and not choices_of(schema)


def opening_brackets(schema: Schema) -> str:
    """The brackets that an answer may begin with; empty where none is an object or a list."""
    kinds = {member.get("type") for member in members_of(schema)}
    return "{" * ("object" in kinds) + "[" * ("array" in kinds)


def choices_of(schema: Schema) -> tuple[Any, ...]:
    """The values of an ``enum`` or ``const``; empty for other schemas."""
    if "const" in schema:
        return (schema["const"],)
    return tuple(schema.get("enum", ()))


def members_of(schema: Schema) -> tuple[Schema, ...]:
    """The schemas that a union is made of, in order; the schema itself if it is no union."""
    union = schema.get("anyOf") or schema.get("oneOf")
    if not union:
        return (schema,)
    return tuple(member for part in union for member in members_of(part))


def bounded(schema: Schema, max_length: int) -> Schema:
    """The schema with nothing left open: no field that is not named, no text without an end.

    Args:
        schema: Without references.
        max_length: Characters of a text that has neither a bound nor a form of its own.
    """
    closed = {key: _bounded_part(key, part, max_length) for key, part in schema.items()}
    if is_free_text(schema) and not {"maxLength", "pattern", "format"} & schema.keys():
        closed["maxLength"] = max(max_length, schema.get("minLength", 0))
    if "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed


def _bounded_part(key: str, part: Any, max_length: int) -> Any:
    if key == "properties":
        return {name: bounded(field, max_length) for name, field in part.items()}
    if key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return [bounded(member, max_length) for member in part]
    if key in ("items", "additionalProperties") and isinstance(part, Mapping):
        return bounded(part, max_length)
    return part


def meaning_of(schema: Schema) -> str:
    """What a field is for, in the words of whoever wrote its type; empty where there are none."""
    described = (
        part["description"] for part in (schema, *members_of(schema)) if "description" in part
    )
    return next(described, "")


def _inlined(part: Any, definitions: Mapping[str, Any], within: tuple[str, ...]) -> Any:
    if isinstance(part, list):
        return [_inlined(item, definitions, within) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" not in part:
        kept = {key: value for key, value in part.items() if key not in ("$defs", "discriminator")}
        return {key: _inlined(value, definitions, within) for key, value in kept.items()}
    name = part["$ref"].rsplit("/", 1)[-1]
    if name in within:
        chain = " -> ".join((*within, name))
        raise ValueError(f"expected a type that ends, got one that contains itself: {chain}")
    beside = {key: value for key, value in part.items() if key != "$ref"}
    return {**_inlined(definitions[name], definitions, (*within, name)), **beside}
