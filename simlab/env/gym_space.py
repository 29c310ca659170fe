"""Gymnasium's spaces as action spaces, by what they do: Gymnasium itself is never imported here."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.random import Generator

from simlab.errors import UnfitAnswerError


class GymSpace(Protocol):
    """What of a Gymnasium space is used, whatever kind it is."""

    def contains(self, x: Any) -> bool:
        """Whether `x` is an element."""
        ...

    def sample(self) -> Any:
        """An element drawn by the space's own generator."""
        ...

    def seed(self, seed: int) -> Any:
        """Seed the space's own generator."""
        ...


def is_gym_space(space: object) -> TypeGuard[GymSpace]:
    """Whether `space` can tell, draw and be seeded as Gymnasium's spaces can."""
    return not isinstance(space, type) and all(
        callable(getattr(space, name, None)) for name in ("contains", "sample", "seed")
    )


def fit_gym(space: GymSpace, action: Any) -> Any:
    """The element of `space` that `action` is, or that its plain data stands for.

    Raises:
        UnfitAnswerError: `action` is no element of the space.
    """
    try:
        if space.contains(action):
            return action
        element = _element(space, action)
        fits = space.contains(element)
    except (TypeError, ValueError, KeyError, AttributeError):
        fits = False
    if not fits:
        raise UnfitAnswerError(f"the answer must be in {space}, got {action!r}")
    return element


def sample_gym(space: GymSpace, rng: Generator) -> Any:
    """An element of `space` drawn by `rng`; the space's own generator stays where it is."""
    own = copy.deepcopy(space)
    own.seed(int(rng.integers(2**31)))
    return own.sample()


def gym_schema(space: GymSpace) -> dict[str, Any]:
    """The JSON schema of `space`'s elements, written as plain data.

    Raises:
        TypeError: The space is of a kind that plain JSON has no form for.
    """
    kind = type(space).__name__
    if kind not in _SCHEMAS:
        raise TypeError(f"expected a space of {', '.join(_SCHEMAS)}, got {space}")
    return _SCHEMAS[kind](space)


def _element(space: Any, data: Any) -> Any:
    """What plain `data` stands for; each kind of space is known by its attributes."""
    if isinstance(parts := getattr(space, "spaces", None), Mapping):
        return {name: _element(part, data[name]) for name, part in parts.items()}
    if isinstance(parts, tuple):
        return tuple(_element(part, item) for part, item in zip(parts, data, strict=True))
    dtype = getattr(space, "dtype", None)
    shape = getattr(space, "shape", None)
    if dtype is None or shape is None or isinstance(data, Mapping):
        return data
    if shape == ():
        return _scalar(dtype, data)
    return np.asarray(data).astype(dtype, casting="same_kind").reshape(shape)


def _scalar(dtype: np.dtype[Any], data: Any) -> Any:
    number = float(data)
    if np.issubdtype(dtype, np.integer) and not number.is_integer():
        raise ValueError(f"expected a whole number, got {data!r}")
    return dtype.type(number)


def _box(space: Any) -> dict[str, Any]:
    item = {"type": "integer" if np.issubdtype(space.dtype, np.integer) else "number"}
    for length in reversed(space.shape):
        item = _list_of(item, length)
    return item


def _list_of(item: Mapping[str, Any], length: int) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": length, "maxItems": length}


def _discrete(space: Any) -> dict[str, Any]:
    start = int(getattr(space, "start", 0))
    return {"type": "integer", "minimum": start, "maximum": start + int(space.n) - 1}


def _counts(space: Any) -> dict[str, Any]:
    limits = np.asarray(space.nvec).ravel()
    items = [{"type": "integer", "minimum": 0, "maximum": int(limit) - 1} for limit in limits]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _bits(space: Any) -> dict[str, Any]:
    return _list_of({"type": "integer", "minimum": 0, "maximum": 1}, int(np.prod(space.shape)))


def _text(space: Any) -> dict[str, Any]:
    return {"type": "string", "minLength": space.min_length, "maxLength": space.max_length}


def _tuple(space: Any) -> dict[str, Any]:
    items = [gym_schema(part) for part in space.spaces]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _dict(space: Any) -> dict[str, Any]:
    fields = {name: gym_schema(part) for name, part in space.spaces.items()}
    return {"type": "object", "properties": fields, "required": list(fields)}


_SCHEMAS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "Discrete": _discrete,
    "Box": _box,
    "MultiDiscrete": _counts,
    "MultiBinary": _bits,
    "Text": _text,
    "Tuple": _tuple,
    "Dict": _dict,
}
