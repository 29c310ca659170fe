"""The result of an effect, as the type that was asked for."""

from typing import Any

import msgspec
from pydantic_core import ValidationError

from simlab.problem import problem
from simlab.trace.plain import Plain


def converted(result: Plain, returns: Any) -> Any:
    """A result as the type that was asked for.

    Args:
        result: As the log keeps it.
        returns: A built-in, a dataclass, a pydantic model or a msgspec struct, or made of these;
            `Any` leaves the result as it is.

    Raises:
        TypeError: It is not of that type, or no type that can be asked for.
    """
    if returns is Any:
        return result
    try:
        return msgspec.convert(result, returns, dec_hook=_model)
    except msgspec.ValidationError as error:
        name = getattr(returns, "__qualname__", returns)
        raise TypeError(f"an effect must give {name}, got {result!r}: {error}") from error


def _model(kind: Any, data: Plain) -> Any:
    """A pydantic model of plain data; other classes cannot be made of it."""
    if not hasattr(kind, "model_validate"):
        raise TypeError("expected a built-in, a dataclass, a pydantic model or a msgspec struct")
    try:
        return kind.model_validate(_nameless(data))
    except ValidationError as error:
        problems = [problem(part, ("result", *part["loc"])) for part in error.errors()]
        raise ValueError("; ".join(problems)) from error


def _nameless(data: Plain) -> Plain:
    """Plain data without the names of types in it, which a model may take for unknown fields."""
    if isinstance(data, dict):
        return {key: _nameless(value) for key, value in data.items() if key != "_type"}
    return [_nameless(value) for value in data] if isinstance(data, list) else data
