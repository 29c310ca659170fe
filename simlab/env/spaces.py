"""What an action of a space is: plain functions over everything that a space can be.

A space is a pydantic model or dataclass, a ``Literal`` or ``Enum``, a number type or ``bool``,
``str`` for free text, any of these in ``Annotated`` with bounds or in a union, or a space of
Gymnasium's.
"""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from typing import Any

from numpy.random import Generator
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic_core import ErrorDetails, to_jsonable_python

from simlab.env.draw import choice, draw
from simlab.env.environment import PASS, UNSET, ActionRequest, Wait
from simlab.env.gym_space import fit_gym, gym_schema, is_gym_space, sample_gym
from simlab.env.mend import mend, trimmed
from simlab.env.number import is_number, is_time
from simlab.env.reason import reason_of
from simlab.errors import UnfitAnswerError

KINDS = "a model, dataclass, Literal, Enum, number, bool, str or Gymnasium space"
"""What a space can be, in words."""

_MAX_KNOWN = 4096
_MENDINGS = 2
_DRAWS = 100
_TEXT_FIELDS = ("say", "text", "message", "words", "content")


def fit(space: Any, action: Any) -> Any:
    """The action of `space` that `action` is, or that its plain data stands for.

    Plain data is what JSON and the log hold: objects, lists, strings and numbers. Coercions that
    pydantic's lax mode makes are taken, and those of `simlab.env.mend`: ``"0"`` for False,
    ``"$8,500"`` for 8500.

    Args:
        space: What an action may be.
        action: An action of the space, which is returned as it is, or plain data.

    Raises:
        UnfitAnswerError: It is none; the message says why, as ``price must be at most 9000, got
            12000``.
        TypeError: `space` is nothing that a space can be.
    """
    shape = _shape(space)
    if shape is None:
        return fit_gym(space, action)
    for _ in range(_MENDINGS):
        try:
            return shape.validate(action)
        except ValidationError as error:
            action = mend(action, _faults(error))
    try:
        return shape.validate(action)
    except ValidationError as error:
        reason = reason_of(_faults(error), action, shape.fields)
        raise UnfitAnswerError(reason) from error


def plain_data(action: Any) -> Any:
    """The plain data of an action, which `fit` takes for the action again.

    Raises:
        TypeError: It is neither plain data nor a model, dataclass or array.
        ValueError: It holds itself, or its own code fails.
    """
    return to_jsonable_python(action, fallback=_plain_array)


def admit(request: ActionRequest, answer: Any) -> Any:
    """The action that `answer` stands for in reply to `request`.

    Args:
        request: What was asked.
        answer: An action, the plain data of one, or the request's default; `Wait` where the request
            is optional.

    Returns:
        The action, or the `Wait`.

    Raises:
        UnfitAnswerError: The answer is not in the space or not among what is legal now.
    """
    if isinstance(answer, Wait):
        if request.required:
            raise UnfitAnswerError("this seat must act now, it cannot wait")
        if answer.until is not None and not _is_end(answer.until):
            raise UnfitAnswerError(f"until must be a time in seconds, got {answer.until!r}")
        return answer
    if answer is request.default and answer is not UNSET:
        return answer
    if answer is PASS:
        raise UnfitAnswerError("this seat must act now, it cannot pass")
    action = fit(request.space, answer)
    return action if request.legal is None else _among(request.legal, action)


def is_space(space: Any) -> bool:
    """Whether something is what a space can be; looked at once for each space."""
    try:
        _shape(space)
    except TypeError:
        return False
    return True


def is_legal(request: ActionRequest, action: Any) -> bool:
    """Whether `action` is in the request's space and among what is legal now."""
    try:
        admit(request, action)
    except UnfitAnswerError:
        return False
    return True


def sample(space: Any, rng: Generator, legal: Sequence[Any] | None = None) -> Any:
    """An action drawn at random.

    Args:
        space: What an action may be.
        rng: Draws it, and nothing else does.
        legal: What of the space is legal; one of these is drawn, each with the same probability.

    Raises:
        ValueError: A hundred draws found no action, because of rules that no JSON schema can say.
    """
    if legal is not None:
        return choice(legal, rng)
    shape = _shape(space)
    if shape is None:
        return sample_gym(space, rng)
    schema = shape.schema
    for _ in range(_DRAWS):
        try:
            return fit(space, draw(schema, rng))
        except UnfitAnswerError:
            continue
    raise ValueError(f"{_DRAWS} draws gave no action of {space!r}; list what is legal")


def default_text_field(space: Any) -> str | None:
    """The field that takes free words, or None where none does; `str` needs no field.

    That is the field named ``say``, ``text``, ``message``, ``words`` or ``content``, else the first
    one that holds text without a fixed choice; of a union, that of the first member that has one.
    """
    shape = _shape(space)
    if shape is None:
        return None
    schema = shape.schema
    for member in schema.get("anyOf") or schema.get("oneOf") or (schema,):
        fields = _resolved(member, schema).get("properties", {})
        texts = [name for name, field in fields.items() if _is_text(field)]
        if texts:
            return next((name for name in _TEXT_FIELDS if name in texts), texts[0])
    return None


def json_schema(space: Any) -> dict[str, Any]:
    """The JSON schema of the plain data of `space`'s actions, the caller's to change.

    Raises:
        TypeError: `space` is nothing that a space can be.
    """
    shape = _shape(space)
    return gym_schema(space) if shape is None else deepcopy(shape.schema)


class _Shape:
    """A space as pydantic sees it; built once for each space.

    Making a dataclass checks nothing, so the fields of instances are validated as well. Pydantic
    takes that setting for a collection of a space, not for the space: hence the tuple of one.
    """

    def __init__(self, space: Any) -> None:
        self.space = space
        self._one: TypeAdapter[Any] = TypeAdapter(
            tuple[space], config=ConfigDict(revalidate_instances="always")
        )

    @cached_property
    def schema(self) -> dict[str, Any]:
        return TypeAdapter(self.space).json_schema()

    @cached_property
    def fields(self) -> tuple[str, ...]:
        return tuple(self.schema.get("properties", ()))

    def validate(self, data: Any) -> Any:
        (action,) = self._one.validate_python((data,))
        return data if type(action) is type(data) and action == data else action


_known: dict[int, tuple[Any, _Shape | None]] = {}


def _shape(space: Any) -> _Shape | None:
    """The one shape of `space`, found by identity: not every space can be hashed.

    None for a space of Gymnasium's, which knows itself what its elements are.
    """
    known = _known.get(id(space))
    if known is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        known = _known[id(space)] = (space, _new_shape(space))
    return known[1]


def _new_shape(space: Any) -> _Shape | None:
    if is_gym_space(space):
        return None
    try:
        return _Shape(space)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise TypeError(f"space must be {KINDS}, got {space!r}") from error


def _faults(error: ValidationError) -> list[ErrorDetails]:
    """What is wrong, located in the data and not in the tuple of one around it."""
    faults = error.errors(include_url=False)
    for fault in faults:
        fault["loc"] = fault["loc"][1:]
    return faults


def _plain_array(value: Any) -> Any:
    if not hasattr(value, "tolist"):
        raise TypeError(f"expected plain data, a model, a dataclass or an array, got {value!r}")
    return value.tolist()


def _is_end(until: Any) -> bool:
    """Whether a wait can last until then; infinity is for good."""
    return is_time(until) or (is_number(until) and until == math.inf)


def _among(legal: Sequence[Any], action: Any) -> Any:
    """The legal action that `action` is, or that its words plainly name."""
    for candidate in legal:
        if _same(candidate, action):
            return candidate
    if isinstance(action, str):
        named = [candidate for candidate in legal if trimmed(str(candidate)) == trimmed(action)]
        if len(named) == 1:
            return named[0]
    raise UnfitAnswerError(f"expected one of {_listed(legal)}, got {action!r}")


def _same(one: Any, other: Any) -> bool:
    equal = one == other
    return bool(equal.all() if hasattr(equal, "all") else equal)


def _listed(legal: Sequence[Any], limit: int = 20) -> str:
    shown = ", ".join(repr(candidate) for candidate in legal[:limit])
    return shown if len(legal) <= limit else f"{shown}, ... ({len(legal)} in all)"


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _is_text(field: Mapping[str, Any]) -> bool:
    options = field.get("anyOf", (field,))
    return any(option.get("type") == "string" and "enum" not in option for option in options)
