"""Plain typed functions are tools: what models are told of them, and how they are called."""

import asyncio
import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Literal

import numpy as np
import pytest
from pydantic import BaseModel, Field

from simlab.agents.tool import Tool, as_tool
from simlab.errors import ConfigError, UnfitAnswerError


class Unit(Enum):
    METRE = "m"
    FOOT = "ft"


@dataclass(frozen=True)
class Place:
    name: str
    height: float = 0.0


class Report(BaseModel):
    title: str
    day: date


def climb(place: Place, title: str, *, unit: Unit = Unit.METRE, days: int = 1) -> str:
    """Says how to climb a mountain.

    Args:
        place: Where.
        title: How to address the reader.
        days: How many days there are.
    """
    return f"{title}, {place.name} in {days} days, in {unit.value}"


def fail(kind: Literal["value", "stop", "exit"]) -> None:
    raise {"value": ValueError("no"), "stop": StopIteration("end"), "exit": SystemExit(3)}[kind]


class Counter:
    """Counts what it is asked."""

    def __init__(self):
        self.n_calls = 0

    def __call__(self, text: str) -> int:
        self.n_calls += 1
        return len(text)

    async def later(self, text: str) -> int:
        """Counts later."""
        await asyncio.sleep(0)
        return self(text)


def called(function, **arguments):
    tool = Tool.of(function)
    return tool.call(tool.check(arguments))


def test_models_are_told_name_meaning_and_schema_without_references():
    spec = Tool.of(climb).spec

    assert (spec.name, spec.description) == ("climb", "Says how to climb a mountain.")
    assert spec.parameters == {
        "type": "object",
        "properties": {
            "place": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "height": {"type": "number", "default": 0.0},
                },
                "required": ["name"],
                "description": "Where.",
            },
            "title": {"type": "string", "description": "How to address the reader."},
            "unit": {"type": "string", "enum": ["m", "ft"]},
            "days": {"type": "integer", "default": 1, "description": "How many days there are."},
        },
        "required": ["place", "title"],
    }


async def test_arguments_are_checked_and_converted():
    given = {"place": {"name": "Rax", "height": "2007"}, "title": "Ann", "unit": "ft", "days": "2"}

    arguments = Tool.of(climb).check(given)

    assert arguments == {
        "place": Place("Rax", 2007.0), "title": "Ann", "unit": Unit.FOOT, "days": 2,
    }  # fmt: skip
    assert await called(climb, **given) == "Ann, Rax in 2 days, in ft"


async def test_what_is_left_out_is_as_the_function_has_it():
    assert await called(climb, place={"name": "Rax"}, title="Ann") == "Ann, Rax in 1 days, in m"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"place": {"name": "Rax"}}, "^title is missing$"),
        ({"place": {"name": "Rax"}, "title": "Ann", "dy": 2}, "^dy is not asked for$"),
        ({"place": {"name": "Rax"}, "title": "Ann", "days": "two"}, "days must be a whole number"),
        ({"place": {"name": "Rax"}, "title": "Ann", "unit": "mile"}, "unit must be 'm' or 'ft'"),
        ({}, "place is missing; title is missing"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_in_words(arguments, message):
    with pytest.raises(UnfitAnswerError, match=message):
        Tool.of(climb).check(arguments)


def test_bounds_and_meanings_may_stand_in_types():
    def wait(hours: Annotated[int, Field(ge=1, le=9, description="How long.")]) -> None:
        """Waits."""

    schema = Tool.of(wait).spec.parameters["properties"]["hours"]

    assert schema == {"type": "integer", "minimum": 1, "maximum": 9, "description": "How long."}


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("as it is", "as it is"),
        (None, "null"),
        ({"a": [1, True]}, '{"a": [1, true]}'),
        (Place("Rax", 2007), '{"name": "Rax", "height": 2007}'),
        (Report(title="Föhn", day=date(2024, 1, 2)), '{"title": "Föhn", "day": "2024-01-02"}'),
        (Unit.FOOT, '"ft"'),
        (np.arange(3), "[0, 1, 2]"),
    ],
)
async def test_results_become_text(result, words):
    def give() -> object:
        return result

    assert await called(give) == words


async def test_a_result_that_has_no_words_is_an_error_of_the_tool():
    def give() -> object:
        return object()

    with pytest.raises(TypeError, match="expected plain data"):
        await called(give)


async def test_functions_methods_and_callable_objects_are_tools_async_or_not():
    counter = Counter()

    assert Tool.of(counter).spec.description == "Counts what it is asked."
    assert Tool.of(counter).name == "Counter"
    assert Tool.of(counter.later).spec.description == "Counts later."
    assert await called(counter, text="abc") == "3"
    assert await called(counter.later, text="ab") == "2"
    assert counter.n_calls == 2


async def test_a_function_that_is_not_async_holds_nobody_up():
    let_go = threading.Event()

    def wait() -> bool:
        return let_go.wait(10)

    asyncio.get_running_loop().call_soon(let_go.set)

    assert await called(wait) == "true"


async def test_a_function_may_return_what_is_awaited():
    async def later(n: int) -> int:
        return n

    def give(n: int) -> object:
        return later(n)

    assert await called(give, n=3) == "3"


@pytest.mark.parametrize(
    ("kind", "error"), [("value", ValueError), ("stop", RuntimeError), ("exit", SystemExit)]
)
async def test_what_a_tool_raises_is_passed_on(kind, error):
    with pytest.raises(error):
        await called(fail, kind=kind)


def positional(_text: str, /) -> None: ...


def several(*_texts: str) -> None: ...


def untyped(text) -> None: ...


def of_anything(text: asyncio.Event) -> None: ...


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda: 1, ValueError, "letters, digits, '_' and '-', got '<lambda>'; define it with def"),
        (positional, TypeError, "tool 'positional' must have types and be given by name, got '_te"),
        (several, TypeError, "tool 'several' must have types and be given by name, got '\\*_texts"),
        (untyped, TypeError, "tool 'untyped' must have types and be given by name, got 'text'"),
        (of_anything, TypeError, "tool 'of_anything' must be of types that JSON can be checked ag"),
        (Place, TypeError, "a tool must be a function, got <class"),
        (functools.partial(climb), TypeError, "a tool must be a function, got functools.partial"),
        (3, TypeError, "a tool must be a function, got 3"),
    ],
)
def test_what_cannot_be_a_tool_is_refused(function, error, message):
    with pytest.raises(error, match=message):
        Tool.of(function)


def test_a_tool_may_be_named(own_file):
    own_file("def now() -> str:\n    'Says the time.'\n    return 'noon'\n", "clock.py")

    assert as_tool("clock.py:now").spec.description == "Says the time."
    assert as_tool(f"{__name__}:climb").spec == Tool.of(climb).spec
    with pytest.raises(ConfigError, match=r"clock\.py has no 'noww'; did you mean now"):
        as_tool("clock.py:noww")


def test_a_tool_is_a_tool_already():
    tool = Tool.of(climb)

    assert as_tool(tool) is tool


def test_types_that_are_written_as_texts_are_understood(own_file):
    own_file(
        "from __future__ import annotations\n\n"
        "def double(numbers: list[int] = []) -> list[int]:\n"
        "    return [2 * n for n in numbers]\n",
        "later.py",
    )

    tool = as_tool("later.py:double")

    assert tool.check({"numbers": ["1", 2]}) == {"numbers": [1, 2]}
    assert tool.check({}) == {"numbers": []}


def test_lists_of_any_kind_may_be_asked_for():
    def add(numbers: Sequence[float]) -> float:
        return sum(numbers)

    assert Tool.of(add).check({"numbers": [1, 2.5]}) == {"numbers": [1.0, 2.5]}
