"""What of a dataclass is worth recording: the fields that are not as usual."""

from dataclasses import MISSING, fields
from typing import Any

_Usual = list[tuple[str, Any, bool]]
_known: dict[type, _Usual] = {}


def unusual(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults; for its ``__trace__``.

    An empty collection is as usual where the default is one. What may be an array is compared by
    identity only.

    Args:
        value: Of a dataclass.
    """
    usual = _known.get(type(value)) or _usual_of(type(value))
    given = {}
    for name, default, is_collection in usual:
        part = getattr(value, name)
        if part is not default and not (is_collection and not len(part)):
            given[name] = part
    return given


def _usual_of(kind: Any) -> _Usual:
    """Of each field its name, its default, and whether that is a collection."""
    usual = []
    for field in fields(kind):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        usual.append((field.name, default, isinstance(default, dict | tuple | list)))
    _known[kind] = usual
    return usual
