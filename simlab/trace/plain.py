"""Plain data: what any Python value becomes in the log.

Plain data is None, bool, int, float, str, bytes, and lists and string-keyed dicts of these. All
else becomes a dict that names its type under ``"_type"``; what is not known becomes a stub that
names its type and nothing else, never an error and never a memory address. Long texts and bytes
are replaced by references to their content (`Reference`), so that a log stores each of them once.
"""

import dataclasses
import datetime
import enum
import math
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

import msgspec
import numpy as np

Plain = Any
"""A value of plain data, as the module's docstring defines it."""

Reference = msgspec.msgpack.Ext
"""A long text or bytes by the hash of its content; see `simlab.trace.blobs`."""

Intern = Callable[[str | bytes], Plain]
"""What stands in the log for a text or bytes of more than `SHORT` characters."""

SHORT = 48
"""Texts and bytes up to this length stand in place; a reference costs 18 bytes."""

DEEPEST = 64
"""Nesting below this depth is cut off with a stub, which also ends cycles."""

_Serialiser = Callable[[Any], Any]
_Shape = Callable[[Any, Intern, int], Plain]
_custom: dict[type, _Serialiser] = {}
_shapes: dict[type, _Shape] = {}


def keep(value: str | bytes) -> str | bytes:
    """Leaves long values where they are; the `Intern` of those who want no references."""
    return value


def plain(value: Any, intern: Intern = keep) -> Plain:
    """The plain data that stands for a value.

    Args:
        value: Anything. A method ``__trace__(self)`` of its type, or a serialiser given by
            `serialised_by`, decides what is taken in its place.
        intern: Called with each text or bytes longer than `SHORT`; what it returns is put there.
    """
    return _plain(value, intern, 0)


@contextmanager
def serialised_by(kind: type, serialiser: _Serialiser) -> Iterator[None]:
    """Within the block, values of exactly this type become what `serialiser` returns for them.

    The serialiser that was there before, if any, is back after the block.
    """
    before = _custom.get(kind)
    _custom[kind] = serialiser
    _shapes.pop(kind, None)
    try:
        yield
    finally:
        _shapes.pop(kind, None)
        if before is None:
            del _custom[kind]
        else:
            _custom[kind] = before


def _plain(value: Any, intern: Intern, depth: int) -> Plain:
    kind = type(value)
    shape = _shapes.get(kind)
    if shape is None:
        shape = _shapes[kind] = _find_shape(kind)
    if depth > DEEPEST:
        return {"_type": kind.__qualname__, "cut": f"deeper than {DEEPEST}"}
    return shape(value, intern, depth)


def _find_shape(kind: type) -> _Shape:
    """How values of a type are turned into plain data; found once for each type."""
    if kind in _custom:
        return lambda value, intern, depth: _named(
            kind, _plain(_custom[kind](value), intern, depth + 1)
        )
    if hasattr(kind, "__trace__"):
        return lambda value, intern, depth: _plain(value.__trace__(), intern, depth + 1)
    for ancestor, shape in _BUILT_IN:
        if issubclass(kind, ancestor):
            return shape
    names = _field_names(kind)
    if names is not None:
        return _of_fields(kind, names)
    return lambda _value, _intern, _depth: {"_type": kind.__qualname__, "stub": kind.__module__}


def _field_names(kind: Any) -> tuple[str, ...] | None:
    """The fields of a dataclass, a pydantic model or a msgspec struct."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    for attribute in ("model_fields", "__struct_fields__"):
        if isinstance(names := getattr(kind, attribute, None), dict | tuple):
            return tuple(names)
    return None


def _of_fields(kind: type, names: tuple[str, ...]) -> _Shape:
    """Types with named fields, absent ones left out."""

    def shape(value: Any, intern: Intern, depth: int) -> Plain:
        fields: dict[str, Plain] = {"_type": kind.__qualname__}
        for name in names:
            fields[name] = _plain(getattr(value, name, None), intern, depth + 1)
        return fields

    return shape


def _named(kind: type, value: Plain) -> Plain:
    """What a custom serialiser gave, under the name of the type it was given for."""
    if isinstance(value, dict):
        return {"_type": kind.__qualname__, **value}
    return {"_type": kind.__qualname__, "value": value}


def _atom(value: Any, _intern: Intern, _depth: int) -> Plain:
    return value


def _integer(value: int, _intern: Intern, _depth: int) -> Plain:
    if -(2**63) <= value < 2**64:
        return int(value)
    return {"_type": "int", "value": str(value)}


def _text(value: str, intern: Intern, _depth: int) -> Plain:
    return value if len(value) <= SHORT else intern(str(value))


def _bytes(value: bytes | bytearray | memoryview, intern: Intern, _depth: int) -> Plain:
    data = bytes(value)
    return data if len(data) <= SHORT else intern(data)


def _list(value: Any, intern: Intern, depth: int) -> Plain:
    return [_plain(item, intern, depth + 1) for item in value]


def _dict(value: Mapping[Any, Any], intern: Intern, depth: int) -> Plain:
    if all(type(key) is str for key in value):
        return {key: _plain(item, intern, depth + 1) for key, item in value.items()}
    pairs = [[_plain(part, intern, depth + 1) for part in pair] for pair in value.items()]
    return {"_type": "dict", "items": pairs}


def _set(value: Any, intern: Intern, depth: int) -> Plain:
    items = [_plain(item, intern, depth + 1) for item in value]
    return {"_type": type(value).__name__, "items": sorted(items, key=repr)}


def _array(value: np.ndarray, intern: Intern, depth: int) -> Plain:
    fields: dict[str, Plain] = {
        "_type": "ndarray",
        "dtype": str(value.dtype),
        "shape": list(value.shape),
    }
    if value.dtype.hasobject:
        return {**fields, "items": _plain(value.tolist(), intern, depth + 1)}
    return {**fields, "data": _bytes(value.tobytes(), intern, depth)}


def _enum(value: enum.Enum, intern: Intern, depth: int) -> Plain:
    return {
        "_type": type(value).__qualname__,
        "name": value.name,
        "value": _plain(value.value, intern, depth + 1),
    }


def _written(value: Any, intern: Intern, depth: int) -> Plain:
    written = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return {"_type": type(value).__qualname__, "value": _text(written, intern, depth)}


def _error(value: BaseException, intern: Intern, depth: int) -> Plain:
    return {"_type": type(value).__qualname__, "message": _text(str(value), intern, depth)}


def _definition(value: Any, _intern: Intern, _depth: int) -> Plain:
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return {"_type": "type" if isinstance(value, type) else "function", "name": name}


def _complex(value: complex, _intern: Intern, _depth: int) -> Plain:
    return {"_type": "complex", "real": value.real, "imag": value.imag}


_BUILT_IN: tuple[tuple[type, _Shape], ...] = (
    (types.NoneType, _atom),
    (bool, _atom),
    (msgspec.msgpack.Ext, _atom),
    (enum.Enum, _enum),
    (int, _integer),
    (np.floating, lambda value, _intern, _depth: float(value)),
    (float, lambda value, _intern, _depth: float(value)),
    (str, _text),
    (bytes, _bytes),
    (bytearray, _bytes),
    (memoryview, _bytes),
    (list, _list),
    (tuple, _list),
    (deque, _list),
    (dict, _dict),
    (types.MappingProxyType, _dict),
    (set, _set),
    (frozenset, _set),
    (np.ndarray, _array),
    (np.bool_, lambda value, _intern, _depth: bool(value)),
    (np.integer, lambda value, _intern, _depth: int(value)),
    (complex, _complex),
    (datetime.date, _written),
    (datetime.time, _written),
    (datetime.timedelta, _written),
    (PurePath, _written),
    (BaseException, _error),
    (type, _definition),
    (types.FunctionType, _definition),
    (types.BuiltinFunctionType, _definition),
    (types.MethodType, _definition),
)


def same(left: Plain, right: Plain) -> bool:
    """Whether two plain values are equal, NaN being equal to itself."""
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)
