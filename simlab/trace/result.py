"""The result of an effect, as the log keeps it and as the type that was asked for."""

from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic_core import ValidationError

from simlab.problem import problem
from simlab.trace.contents import Content, Reference, put_back
from simlab.trace.plain import Intern, Plain, plain

REVERSIBLE = (
    "None, bools, numbers of 64 bits, texts, bytes, lists and tuples, dicts with texts for keys, "
    "and dataclasses, pydantic models and msgspec structs of these"
)
"""What can be made again of plain data, in words: a set, a date or an enum's member stands there as
a dict, and so might a dataclass."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call.

    Attributes:
        kept: As the log keeps it, long contents by reference.
        given: As whoever asked gets it.
    """

    kept: Plain
    given: Any


def result_of(returned: Any, returns: Any, intern: Intern) -> Result:
    """What came of a call that returned something; its own code for the record runs once.

    Args:
        returned: By the call.
        returns: As what it is given; see `converted`.
        intern: Makes the references to its long contents.

    Raises:
        TypeError: It is not of that type, or no type that can be asked for.
    """
    contents: dict[tuple[int, bytes], Content] = {}

    def remember(content: Content) -> Plain:
        reference = intern(content)
        contents[reference.code, bytes(reference.data)] = content
        return reference

    def find(code: int, data: memoryview) -> Content | Reference:
        return contents.get((code, bytes(data)), Reference(code, bytes(data)))

    kept = plain(returned, remember)
    return Result(kept, converted(put_back(kept, find) if contents else kept, returns))


def converted(result: Plain, returns: Any) -> Any:
    """A result as the type that was asked for.

    Args:
        result: As the log keeps it.
        returns: What `REVERSIBLE` names, or a union of such; `Any` leaves the result as it is.

    Raises:
        TypeError: It is not of that type, or no type that can be asked for.
    """
    if returns is Any:
        return result
    try:
        return msgspec.convert(result, returns, dec_hook=_model)
    except msgspec.ValidationError as error:
        name = getattr(returns, "__qualname__", returns)
        raise TypeError(
            f"an effect must give {name}, got {result!r}: {error}; a log gives back {REVERSIBLE}, "
            "so let the call return such"
        ) from error


def _model(kind: Any, data: Plain) -> Any:
    """A pydantic model of plain data; other classes cannot be made of it."""
    if not hasattr(kind, "model_validate"):
        raise TypeError("nothing of that class can be made of plain data")
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
