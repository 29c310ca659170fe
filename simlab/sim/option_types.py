"""Whether options from a run file are of the types that the annotations of their maker say."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic_core import to_json

from simlab.errors import ConfigError
from simlab.problem import problem


def check_types(what: str, maker: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """See that options are of the types of their annotations, as strictly as JSON has types.

    So ``true`` is no number and ``"false"`` no truth, and a list stands for a tuple as well. What
    has no annotation, or one that pydantic does not know, is left to the maker.

    Args:
        what: What is made, for messages.
        maker: What makes it.
        options: Some of its keyword arguments, as YAML gives them.

    Raises:
        ConfigError: One is not; names it, what was expected and what was given.
    """
    parameters = _parameters(maker)
    for name, value in options.items():
        parameter = parameters.get(name)
        if parameter is not None and value is not parameter.default:
            _check(what, name, parameter.annotation, value)


def _parameters(maker: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """By name; none where a maker does not tell, or its annotations name what is not there."""
    try:
        found = inspect.signature(maker, eval_str=True).parameters
    except (TypeError, ValueError, NameError, AttributeError, SyntaxError):
        return {}
    return {name: each for name, each in found.items() if each.annotation is not each.empty}


def _check(what: str, name: str, annotation: Any, value: Any) -> None:
    try:
        TypeAdapter(annotation).validate_json(to_json(value), strict=True)
    except ValidationError as error:
        # Deeper places name the members of unions, which are nobody's keys.
        problems = dict.fromkeys(problem(part, (name,)) for part in error.errors())
        raise ConfigError(f"{what}: {'; '.join(problems)}") from error
    except (PydanticUserError, PydanticUndefinedAnnotation):
        return
