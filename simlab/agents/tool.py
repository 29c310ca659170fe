"""Tools: plain typed functions that a model may call on its way to an answer."""

import asyncio
import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from simlab.agents.docstring import Docstring, read_docstring
from simlab.env.spaces import fit
from simlab.find import find
from simlab.models.answer_form import as_json
from simlab.models.answer_schema import answer_schema
from simlab.models.tool_call import ToolSpec

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PLAIN = (type(None), bool, int, float, str)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that a model may call.

    Its result is an effect: it is in the record, and a replay, a resumed run or a branch reads it
    there and makes no call. So what a function changes, be it the state of an object whose method
    it is, is changed once in the life of a run, and not again when that is gone on with elsewhere:
    what later calls need must outlive the process, as in a file or a database.

    A function that is not async is called in a thread, so that everybody else goes on meanwhile;
    agents that share it may call it at once.

    Models are told what its docstring says in Google style, of it and of its arguments.

    Example::

        def weather(city: str, days: int = 1) -> str:
            "Says what the weather will be in a city, some days from now."
            return forecasts[city][days]

        agent = LlmAgent(model, tools=[weather])

    Attributes:
        spec: What models are told of it.
        function: The function.
        arguments: A dataclass of its arguments.
    """

    spec: ToolSpec
    function: Callable[..., Any]
    arguments: type

    @classmethod
    def of(cls, function: Callable[..., Any]) -> "Tool":
        """A tool of a function, which may be async, a method, or an object that can be called.

        Raises:
            TypeError: An argument has no type, or none that JSON can be checked against, or cannot
                be given by name.
            ValueError: The function has no name that models can call.
        """
        if not callable(function) or isinstance(function, type | functools.partial):
            raise TypeError(f"a tool must be a function, got {function!r}")
        name = getattr(function, "__name__", type(function).__name__)
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"the name of a tool must be at most 64 letters, digits, '_' and '-', got {name!r};"
                " define it with def"
            )
        docstring = _docstring_of(function)
        arguments = _arguments_of(name, function, docstring.arguments)
        try:
            schema = _terse(answer_schema(arguments))
        except TypeError as error:
            raise TypeError(
                f"the arguments of tool {name!r} must be of types that JSON can be checked against,"
                f" got {inspect.signature(function)}"
            ) from error
        return cls(ToolSpec(name, docstring.description, schema), function, arguments)

    @property
    def name(self) -> str:
        """By which models call it."""
        return self.spec.name

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments in plain data, as what the function takes.

        Raises:
            UnfitAnswerError: One is missing, unknown, or does not fit.
        """
        fitting = fit(self.arguments, dict(arguments))
        return {each.name: getattr(fitting, each.name) for each in fields(self.arguments)}

    async def call(self, arguments: Mapping[str, Any]) -> str:
        """The result in words: a text as it is, all else as JSON. Errors are passed on.

        Args:
            arguments: As `check` gives them.
        """
        call = functools.partial(self.function, **arguments)
        if _is_async(self.function):
            result = await call()
        else:
            result = await asyncio.to_thread(_without_stop, call)
            result = await result if inspect.isawaitable(result) else result
        return result if isinstance(result, str) else as_json(result)


ToolLike = Tool | Callable[..., Any] | str
"""A tool, a function, or the name of one: ``module:function`` or ``file.py:function``."""


def as_tool(given: ToolLike) -> Tool:
    """The tool that is meant.

    Raises:
        ConfigError: There is nothing of that name.
        TypeError: It is no function that can be a tool; see `Tool.of`.
        ValueError: As above.
    """
    meant = find(given) if isinstance(given, str) else given
    return meant if isinstance(meant, Tool) else Tool.of(meant)


def _is_async(function: Any) -> bool:
    return any(map(inspect.iscoroutinefunction, (function, function.__call__)))


def _without_stop(call: Callable[[], Any]) -> Any:
    """The result of a call; `StopIteration` would never come out of a thread."""
    try:
        return call()
    except StopIteration as error:
        raise RuntimeError("the tool raised StopIteration") from error


def _docstring_of(function: Any) -> Docstring:
    """Of a function; of an object its method's, or else its class's."""
    own = None if inspect.isroutine(function) else function.__call__.__doc__
    return read_docstring(own or function.__doc__)


def _arguments_of(name: str, function: Callable[..., Any], meanings: Mapping[str, str]) -> type:
    """The arguments of a function as a dataclass whose fields say what they mean."""
    given = []
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        kind = parameter.annotation
        if parameter.kind not in _NAMED or kind is parameter.empty:
            raise TypeError(
                f"the arguments of tool {name!r} must have types and be given by name, got "
                f"'{parameter}'"
            )
        if meaning := meanings.get(parameter.name):
            kind = Annotated[kind, Field(description=meaning)]
        given.append((parameter.name, kind, field(**_usual(parameter.default))))
    strict = {"__pydantic_config__": ConfigDict(extra="forbid")}
    return make_dataclass(name, given, kw_only=True, namespace=strict)


def _usual(default: Any) -> dict[str, Any]:
    """The default of a field; models are told those that are plain data."""
    if default is inspect.Parameter.empty:
        return {}
    if isinstance(default, _PLAIN):
        return {"default": default}
    return {"default_factory": lambda: default}


def _terse(schema: Any) -> Any:
    """A schema without what pydantic adds of itself: titles, and that no more is taken."""
    if isinstance(schema, list):
        return [_terse(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _terse(part) for key, part in schema.items()}
    if isinstance(kept.get("title"), str):  # else a property of that name
        del kept["title"]
    if kept.get("additionalProperties") is False:
        del kept["additionalProperties"]
    return kept
