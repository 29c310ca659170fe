"""What of a dataclass is worth recording: the fields that are not as usual."""

from dataclasses import MISSING, fields
from typing import Any

_Usual = list[tuple[str, Any, type | None, bool]]
_known: dict[type, _Usual] = {}


def unusual(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults; for its ``__trace__``.

    A text or number is as usual if it equals the default: one that comes from another process is
    not the same object. An empty collection is as usual where the default is one. All else, such as
    what may be an array, is compared by identity only.

    Args:
        value: Of a dataclass.
    """
    usual = _known.get(type(value)) or _usual_of(type(value))
    given = {}
    for name, default, scalar, is_collection in usual:
        part = getattr(value, name)
        if part is default or (type(part) is scalar and part == default):
            continue
        if not is_collection or len(part):
            given[name] = part
    return given


def _usual_of(kind: Any) -> _Usual:
    """Of each field its name, its default, its type if scalar, and whether it is a collection."""
    usual = []
    for field in fields(kind):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        scalar = type(default) if isinstance(default, str | int | float) else None
        usual.append((field.name, default, scalar, isinstance(default, dict | tuple | list)))
    _known[kind] = usual
    return usual
