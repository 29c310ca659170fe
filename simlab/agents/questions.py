"""The questions that lead a person to an answer: one for each field, asked again until it fits."""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simlab.env.environment import UNSET
from simlab.models.answer_schema import Schema, choices_of, meaning_of, members_of, opening_brackets
from simlab.models.schema_words import kind_in_words

_NUMBER = re.compile(r"\$?([-+]?\d+(?:\.\d+)?)")
_TRUTHS = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
_BOUNDS: Sequence[tuple[str, Callable[[Any, Any], bool]]] = (
    ("minimum", lambda value, bound: value >= bound),
    ("maximum", lambda value, bound: value <= bound),
    ("exclusiveMinimum", lambda value, bound: value > bound),
    ("exclusiveMaximum", lambda value, bound: value < bound),
    ("multipleOf", lambda value, step: value % step == 0),
    ("minLength", lambda value, length: len(value) >= length),
    ("maxLength", lambda value, length: len(value) <= length),
    ("pattern", lambda value, pattern: re.search(pattern, value) is not None),
)


@dataclass(frozen=True, slots=True)
class Questions:
    """Asks for values of JSON schemas, line by line.

    Attributes:
        ask: Puts a question and returns the line that answers it.
        tell: Says something to the person, such as why a line is not taken.
    """

    ask: Callable[[str], Awaitable[str]]
    tell: Callable[[str], None]

    async def ask_value(self, schema: Schema, name: str) -> Any:
        """Plain data of a schema; an object or list is asked for part by part.

        Args:
            schema: Without references.
            name: What is asked for, such as ``offer.price``.
        """
        if opening_brackets(schema):
            return await self._ask_structured(schema, name)
        usual = None if _takes_null(schema) else UNSET
        return await self._ask_scalar(schema, name, usual)

    async def ask_choice(self, labels: Sequence[str], name: str) -> int:
        """Which of several: its place in `labels`. Answered by its number from 1, or its label."""
        for number, label in enumerate(labels, 1):
            self.tell(f"  {number}. {label}")
        by_answer = {str(number): number - 1 for number in range(1, len(labels) + 1)}
        by_answer |= {label.casefold(): place for place, label in enumerate(labels)}
        question = f"{name} (1 to {len(labels)})"
        line = await self._ask_until(question, lambda line: line.casefold() in by_answer)
        return by_answer[line.casefold()]

    async def ask_truth(self, question: str) -> bool:
        """Whether something is so."""
        line = await self._ask_until(
            f"{question} (yes or no)", lambda line: line.lower() in _TRUTHS
        )
        return _TRUTHS[line.lower()]

    async def _ask_scalar(self, schema: Schema, name: str, usual: Any) -> Any:
        """A value written in one line; `usual` for an empty one, unless that is `UNSET`."""
        kind = " or ".join(kind_in_words(member) for member in _members(schema))
        has_usual = usual is not UNSET
        hint = f"; empty for {_usual_in_words(usual)}" if has_usual else ""
        line = await self._ask_until(
            f"{name} ({kind}{hint})",
            lambda line: (has_usual and not line) or bool(_values_of(schema, line)),
        )
        return usual if has_usual and not line else _values_of(schema, line)[0]

    async def _ask_until(self, question: str, fits: Callable[[str], bool]) -> str:
        while True:
            line = (await self.ask(f"{question}: ")).strip()
            if fits(line):
                return line
            self.tell(f"expected {question}, got {line!r}")

    async def _ask_structured(self, schema: Schema, name: str) -> Any:
        members = _members(schema)
        labels = [kind_in_words(member) for member in members] + ["none"] * _takes_null(schema)
        place = await self.ask_choice(labels, name) if len(labels) > 1 else 0
        if place == len(members):
            return None
        member = members[place]
        if member.get("type") == "array":
            return await self._ask_items(member, name)
        if member.get("properties"):
            return await self._ask_fields(member)
        return await self._ask_scalar(member, name, UNSET)

    async def _ask_fields(self, schema: Schema) -> dict[str, Any]:
        required = schema.get("required", ())
        fields: dict[str, Any] = {}
        for name, field in schema["properties"].items():
            if meaning := meaning_of(field):
                self.tell(f"  {name}: {meaning}")
            if name in required:
                fields[name] = await self.ask_value(field, name)
            elif not opening_brackets(field):
                fields[name] = await self._ask_scalar(field, name, field.get("default", UNSET))
            elif await self.ask_truth(f"give {name}"):
                fields[name] = await self.ask_value(field, name)
        return fields

    async def _ask_items(self, schema: Schema, name: str) -> list[Any]:
        if "prefixItems" in schema:
            places = enumerate(schema["prefixItems"], 1)
            return [await self.ask_value(part, f"{name} {place}") for place, part in places]
        items: list[Any] = []
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        while most is None or len(items) < most:
            label = f"{name} {len(items) + 1}"
            if len(items) >= least and not await self.ask_truth(f"give {label}"):
                break
            items.append(await self.ask_value(schema.get("items", {}), label))
        return items


def _members(schema: Schema) -> list[Schema]:
    return [member for member in members_of(schema) if member.get("type") != "null"]


def _usual_in_words(usual: Any) -> str:
    return "none" if usual is None else json.dumps(usual, ensure_ascii=False)


def _takes_null(schema: Schema) -> bool:
    return any(member.get("type") == "null" for member in members_of(schema))


def _values_of(schema: Schema, line: str) -> list[Any]:
    """What a line may mean: one value for each member of the schema that it fits."""
    return [value for member in _members(schema) for value in _values_of_member(member, line)]


def _values_of_member(member: Schema, line: str) -> list[Any]:
    if choices := choices_of(member):
        return [choice for choice in choices if str(choice).casefold() == line.casefold()]
    values = _READERS.get(member.get("type", "string"), _read_text)(line)
    return [value for value in values if is_within(member, value)]


def is_within(schema: Schema, value: Any) -> bool:
    """Whether a number or a text is within the bounds of its schema."""
    return all(fits(value, schema[key]) for key, fits in _BOUNDS if key in schema)


def _read_whole_number(line: str) -> list[Any]:
    return [int(number) for number in _read_number(line) if number.is_integer()]


def _read_number(line: str) -> list[Any]:
    match = _NUMBER.fullmatch(line.replace(",", ""))
    return [float(match.group(1))] if match else []


def _read_truth(line: str) -> list[Any]:
    return [_TRUTHS[line.lower()]] if line.lower() in _TRUTHS else []


def _read_object(line: str) -> list[Any]:
    """An object of names that no schema lists, written as JSON."""
    try:
        value = json.loads(line)
    except ValueError:
        return []
    return [value] if isinstance(value, dict) else []


def _read_text(line: str) -> list[Any]:
    return [line]


_READERS: dict[str, Callable[[str], list[Any]]] = {
    "integer": _read_whole_number,
    "number": _read_number,
    "boolean": _read_truth,
    "object": _read_object,
    "string": _read_text,
}
