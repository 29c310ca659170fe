"""Plain data: what any Python value becomes in the log.

Plain data is None, bool, int, float, str, bytes, and lists and string-keyed dicts of these. All
else becomes a dict that names its type under ``"_type"``; what is not known becomes a stub that
names its type and nothing else, never an error and never a memory address. Long texts, bytes and
lists of integers are replaced by references (`simlab.trace.contents`), so that a log stores each
of them once.
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

import numpy as np

from simlab.find import home_of
from simlab.stray import in_words, message_of
from simlab.trace.contents import Content, Reference
from simlab.trace.text import durable

Plain = Any
"""A value of plain data, as the module's docstring defines it."""

Intern = Callable[[Content], Plain]
"""What stands in the log for a content of more than `SHORT` characters, bytes or integers."""

SHORT = 48
"""Contents up to this length stand in place; a reference costs 18 bytes."""

DEEPEST = 64
"""Nesting below this depth is cut off with a stub."""

_Serialiser = Callable[[Any], Any]
_Path = tuple[int, ...]
"""Identities of the values around a value, outermost first; one that comes again is a cycle."""

_Shape = Callable[[Any, Intern, _Path], Plain]
_custom: dict[type, _Serialiser] = {}
_shapes: dict[type, tuple[_Shape, bool]] = {}
"""How values of a type become plain data, and whether they hold other values."""


def keep(content: Content) -> Content:
    """Leaves long contents where they are; the `Intern` of those who want no references."""
    return content


def plain(value: Any, intern: Intern = keep) -> Plain:
    """The plain data that stands for a value.

    Args:
        value: Anything. A serialiser given by `serialised_by`, or else a method
            ``__trace__(self)`` of its type, decides what is taken in its place.
        intern: Called with each content longer than `SHORT`; what it returns is put there.
    """
    return _plain(value, intern, ())


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


def same(left: Plain, right: Plain) -> bool:
    """Whether two plain values are equal, NaN being equal to itself."""
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


def _plain(value: Any, intern: Intern, path: _Path) -> Plain:
    """The plain data of a value inside others; cuts off what holds itself, and what is too deep."""
    kind = type(value)
    short = kind in _ATOMS or (kind is str and len(value) <= SHORT and value.isascii())
    if short and not _custom:  # most values are such
        return value
    try:
        shape, holds_others = _shapes.get(kind) or _find_shape(kind)
        if not holds_others:
            return shape(value, intern, path)
        here = id(value)
        if here in path:
            return {"_type": kind.__qualname__, "cut": "within itself"}
        if len(path) > DEEPEST:
            return {"_type": kind.__qualname__, "cut": f"deeper than {DEEPEST}"}
        return shape(value, intern, (*path, here))
    except Exception as error:
        return _failed(kind, error)


def _find_shape(kind: type) -> tuple[_Shape, bool]:
    """How values of a type are turned into plain data; found once for each type."""
    if kind in _custom:
        found = _named(kind, _custom[kind]), True
    elif hasattr(kind, "__trace__"):
        found = _traced, True
    else:
        found = _shape_of(kind)
    _shapes[kind] = found
    return found


def _shape_of(kind: type) -> tuple[_Shape, bool]:
    for ancestor, shape in _LEAVES:
        if issubclass(kind, ancestor):
            return shape, False
    for ancestor, shape in _CONTAINERS:
        if issubclass(kind, ancestor):
            return shape, True
    names = _field_names(kind)
    if names is not None:
        return _of_fields(kind, names), True
    stub = {"_type": kind.__qualname__, "stub": home_of(kind)}
    return (lambda _value, _intern, _path: dict(stub)), False


def _named(kind: type, serialiser: _Serialiser) -> _Shape:
    """What a custom serialiser gives, under the name of the type it was given for."""

    def shape(value: Any, intern: Intern, path: _Path) -> Plain:
        given = _plain(serialiser(value), intern, path)
        name = {"_type": kind.__qualname__}
        return {**name, **given} if isinstance(given, dict) else {**name, "value": given}

    return shape


def _traced(value: Any, intern: Intern, path: _Path) -> Plain:
    """What the method ``__trace__`` of a value gives, as it is."""
    return _plain(value.__trace__(), intern, path)


def _failed(kind: type, error: Exception) -> Plain:
    """The stub of a value whose own code failed: a record never fails what it records."""
    return {
        "_type": kind.__qualname__,
        "stub": home_of(kind),
        "failed": durable(in_words(error)),
    }


def _field_names(kind: Any) -> tuple[str, ...] | None:
    """The fields of a dataclass, a pydantic model or a msgspec struct."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    for attribute in ("model_fields", "__struct_fields__"):
        if isinstance(names := getattr(kind, attribute, None), dict | tuple):
            return tuple(names)
    return None


def _of_fields(kind: type, names: tuple[str, ...]) -> _Shape:
    """Types with named fields; one that was never set is None."""
    name_of_kind = kind.__qualname__

    def shape(value: Any, intern: Intern, path: _Path) -> Plain:
        fields: dict[str, Plain] = {"_type": name_of_kind}
        for name in names:
            fields[name] = _plain(getattr(value, name, None), intern, path)
        return fields

    return shape


_ATOMS = frozenset((float, bool, types.NoneType))
"""Types whose values are plain whatever they are."""

_ONLY_INT = {int}


def _atom(value: Any, _intern: Intern, _path: _Path) -> Plain:
    return value


def _integer(value: int, _intern: Intern, _path: _Path) -> Plain:
    if -(2**63) <= value < 2**64:
        return int(value)
    return {"_type": "int", "value": str(value)}


def _text(value: str, intern: Intern, _path: _Path) -> Plain:
    if len(value) <= SHORT and (value.isascii() or _is_utf8(value)):
        return str(value)
    return intern(str(value))


def _is_utf8(value: str) -> bool:
    """Whether a text has no lone surrogates, which only a content can hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bytes(value: bytes | bytearray | memoryview, intern: Intern, _path: _Path) -> Plain:
    data = bytes(value)
    return data if len(data) <= SHORT else intern(data)


def _list(value: Any, intern: Intern, path: _Path) -> Plain:
    if not value:
        return []
    kinds = set(map(type, value))  # token ids and log-probabilities are most of a log
    if kinds == _ONLY_INT and min(value) >= -(2**63) and max(value) < 2**63:
        return list(value) if len(value) <= SHORT else intern(list(value))
    if kinds <= _ATOMS:
        return list(value)
    return [_plain(item, intern, path) for item in value]


def _dict(value: Mapping[Any, Any], intern: Intern, path: _Path) -> Plain:
    if all(type(key) is str and (key.isascii() or _is_utf8(key)) for key in value):
        return {key: _plain(item, intern, path) for key, item in value.items()}
    pairs = [[_plain(part, intern, path) for part in pair] for pair in value.items()]
    return {"_type": "dict", "items": pairs}


def _set(value: Any, intern: Intern, path: _Path) -> Plain:
    items = [_plain(item, intern, path) for item in value]
    return {"_type": type(value).__name__, "items": sorted(items, key=repr)}


def _array(value: np.ndarray, intern: Intern, path: _Path) -> Plain:
    fields: dict[str, Plain] = {
        "_type": "ndarray",
        "dtype": str(value.dtype),
        "shape": list(value.shape),
    }
    if value.dtype.hasobject:
        return {**fields, "items": _plain(value.tolist(), intern, path)}
    return {**fields, "data": _bytes(value.tobytes(), intern, path)}


def _enum(value: enum.Enum, intern: Intern, path: _Path) -> Plain:
    return {
        "_type": type(value).__qualname__,
        "name": value.name,
        "value": _plain(value.value, intern, path),
    }


def _written(value: Any, intern: Intern, path: _Path) -> Plain:
    written = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return {"_type": type(value).__qualname__, "value": _text(written, intern, path)}


def _error(value: BaseException, intern: Intern, path: _Path) -> Plain:
    return {
        "_type": type(value).__qualname__,
        "message": _text(durable(message_of(value)), intern, path),
    }


def _definition(value: Any, _intern: Intern, _path: _Path) -> Plain:
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return {"_type": "type" if isinstance(value, type) else "function", "name": name}


def _complex(value: complex, _intern: Intern, _path: _Path) -> Plain:
    return {"_type": "complex", "real": value.real, "imag": value.imag}


_LEAVES: tuple[tuple[type, _Shape], ...] = (
    (types.NoneType, _atom),
    (bool, _atom),
    (Reference, _atom),
    (enum.Enum, _enum),
    (int, _integer),
    (float, lambda value, _intern, _path: float(value)),
    (str, _text),
    (bytes, _bytes),
    (bytearray, _bytes),
    (memoryview, _bytes),
    (np.bool_, lambda value, _intern, _path: bool(value)),
    (np.integer, lambda value, _intern, _path: int(value)),
    (np.floating, lambda value, _intern, _path: float(value)),
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

_CONTAINERS: tuple[tuple[type, _Shape], ...] = (
    (list, _list),
    (tuple, _list),
    (deque, _list),
    (dict, _dict),
    (types.MappingProxyType, _dict),
    (set, _set),
    (frozenset, _set),
    (np.ndarray, _array),
)
