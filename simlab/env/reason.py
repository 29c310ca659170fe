"""Why data does not fit a space, in words that a small model or a person understands."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]
"""Keys and indices that lead from the data to one value in it."""

_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not asked for",
    "unexpected_keyword_argument": "is not asked for",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dataclass_type": "must be an object",
    "none_required": "must be null",
    "value_error": "is wrong: {error}",
    "assertion_error": "is wrong: {error}",
}
_OF_ANOTHER_KIND = {"dataclass_type", "model_type", "model_attributes_type", "none_required"}
_WITHOUT_INPUT = {"missing", "extra_forbidden", "unexpected_keyword_argument"}


def reason_of(errors: Sequence[ErrorDetails], data: Any, fields: Sequence[str] = ()) -> str:
    """What is wrong with `data`, such as ``"price must be at most 9000, got 12000"``.

    Args:
        errors: What pydantic found wrong.
        data: What was validated.
        fields: The names of an object's fields, told where `data` is no object at all.

    Returns:
        A clause for each fault, joined by semicolons. Of a union, the faults of the member that
        `data` comes closest to.
    """
    return "; ".join(_clause(fault, data, fields) for fault in closest(errors, data))


def closest(errors: Sequence[ErrorDetails], data: Any) -> list[ErrorDetails]:
    """All errors, but of each union in the data only those of the closest member."""
    common: list[ErrorDetails] = []
    unions: dict[Path, dict[str | int, list[ErrorDetails]]] = {}
    for error in errors:
        where, member = _union(error, data)
        faults = common if member is None else unions.setdefault(where, {}).setdefault(member, [])
        faults.append(error)
    for where, members in unions.items():
        common += _nearest(list(members.values()), where, data)
    return common


def path_of(fault: ErrorDetails, data: Any) -> Path:
    """Where in `data` a fault lies; unlike pydantic's location it names no members of unions."""
    return tuple(part for part, in_data in _located(fault, data) if in_data)


def parts_of(data: Any) -> Mapping[Any, Any]:
    """What `data` is made of, by key, index or field; empty for a value without parts."""
    if isinstance(data, Mapping):
        return data
    if isinstance(data, list | tuple):
        return dict(enumerate(data))
    if dataclasses.is_dataclass(data):
        return {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
    return {}


def _union(fault: ErrorDetails, data: Any) -> tuple[Path, str | int | None]:
    """Where the outermost union around a fault stands in `data`, and the member it is about."""
    where: list[str | int] = []
    for part, in_data in _located(fault, data):
        if not in_data:
            return tuple(where), part
        where.append(part)
    return tuple(where), None


def _located(fault: ErrorDetails, data: Any) -> Iterator[tuple[str | int, bool]]:
    """Each part of a fault's location, and whether it leads on in `data` or names a member."""
    last = len(fault["loc"]) - 1
    for place, part in enumerate(fault["loc"]):
        parts = parts_of(data)
        if part in parts:
            data = parts[part]
        yield part, part in parts or (fault["type"] == "missing" and place == last)


def _nearest(members: Sequence[list[ErrorDetails]], where: Path, data: Any) -> list[ErrorDetails]:
    return min(members, key=lambda faults: _distance(faults, where, data))


def _distance(faults: Sequence[ErrorDetails], where: Path, data: Any) -> tuple[bool, int, int]:
    """How far data is from a member of a union: of another kind, parts missing, other faults."""
    another_kind = any(path_of(fault, data) == where for fault in faults)
    missing = sum(fault["type"] == "missing" for fault in faults)
    return another_kind, missing, len(faults)


def _clause(fault: ErrorDetails, data: Any, fields: Sequence[str]) -> str:
    path = path_of(fault, data)
    name = ".".join(str(part) for part in path) or "the answer"
    words = _WORDS.get(fault["type"])
    told = words.format(**fault.get("ctx", {})) if words else f"is wrong: {fault['msg']}"
    if not path and fields and fault["type"] in _OF_ANOTHER_KIND:
        told += f" with {', '.join(fields)}"
    return f"{name} {told}" + ("" if fault["type"] in _WITHOUT_INPUT else f", got {_brief(fault)}")


def _brief(fault: ErrorDetails, limit: int = 80) -> str:
    text = repr(fault["input"])
    return text if len(text) <= limit else f"{text[:limit]}..."
