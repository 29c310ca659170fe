"""Reading a reply: from a model's words to the plain data that they plainly mean."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from simlab.env.environment import Wait
from simlab.errors import UnfitAnswerError
from simlab.models.answer_schema import Schema, choices_of, members_of, opening_brackets
from simlab.models.json_text import FoundJson, find_json

_CONCLUSION = re.compile(r"\banswer\b\W{0,4}:\W{0,4}?(?=[^\s*])", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\$?(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?![\w]|\.\d)")
_WAIT = re.compile(r"\W*wait(?:\s+until\s+(\d+(?:\.\d+)?))?\W*", re.IGNORECASE)
_LABELS: Mapping[str, Mapping[str, Any]] = {
    "boolean": {"true": True, "yes": True, "false": False, "no": False},
    "null": {"null": None},
}
_STRINGS = json.JSONDecoder(strict=False)
_WRAPPED = re.compile(r'\s*"([^"]*)"\s*', re.DOTALL)


def read_conclusion(reply: str) -> str:
    """What stands after the last ``Answer:`` of a reply that reasons first.

    Raises:
        UnfitAnswerError: There is no such mark.
    """
    marks = list(_CONCLUSION.finditer(reply))
    if not marks:
        raise UnfitAnswerError.of(reply, "expected 'Answer:' before the answer, got none")
    return reply[marks[-1].end() :]


def read_wait(reply: str) -> Wait | None:
    """The `Wait` that a reply of ``WAIT`` or ``WAIT UNTIL 3600`` means; None for other replies."""
    match = _WAIT.fullmatch(reply)
    if match is None:
        return None
    return Wait(float(match.group(1)) if match.group(1) else None)


def read_words(reply: str) -> str:
    """A reply in free words, without blanks and quotes around all of it.

    Raises:
        UnfitAnswerError: It has no words.
    """
    wrapped = _WRAPPED.fullmatch(reply)
    words = (wrapped.group(1) if wrapped else reply).strip()
    if not words:
        raise UnfitAnswerError.of(reply, "expected some words, got an empty reply")
    return words


def read_objects(reply: str, schema: Schema) -> list[Any]:
    """The objects or lists in a reply, the likeliest answer first.

    Raises:
        UnfitAnswerError: There is none that can be read, or the only one is cut off.
    """
    try:
        found = find_json(reply, opening=opening_brackets(schema))
    except ValueError as error:
        raise UnfitAnswerError.of(reply, str(error)) from error
    values = [each.value for each in found if _is_complete(each, schema)]
    if not values:
        reason = "the JSON is cut off: the reply ended before its last fields"
        raise UnfitAnswerError.of(reply, reason)
    return values


def read_value(reply: str, schema: Schema, legal: Sequence[Any] | None) -> Any:
    """The one choice or number that a reply names; the reply itself where it names none.

    Args:
        reply: Perhaps ``"cooperate"`` or ``I bid $8,500, no more.``.
        schema: Of a choice, a number, a truth value, or a union of these.
        legal: The actions that may be taken, in place of the schema's own choices.

    Raises:
        UnfitAnswerError: It names several.
    """
    text = _first_string(reply.strip())
    labels = _labels(schema, legal)
    named = dict.fromkeys(_named(text, labels))
    if legal is None and _takes_numbers(schema):
        named |= dict.fromkeys(_numbers(text))
    if len(named) > 1:
        several = " and ".join(str(each) for each in named)
        raise UnfitAnswerError.of(reply, f"expected exactly one answer, got {several}")
    return next((labels.get(each, each) for each in named), text)


def label_of(action: Any) -> str:
    """What a choice is called in words: an enum's value, ``true`` for True, ``null`` for None."""
    value = getattr(action, "value", action)
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first_string(text: str) -> str:
    """What stands in the quotes that a text begins with, else the text."""
    if not text.startswith('"') or '"' not in text[1:]:
        return text
    try:
        return str(_STRINGS.raw_decode(text)[0])
    except ValueError:
        return text


def _labels(schema: Schema, legal: Sequence[Any] | None) -> Mapping[str, Any]:
    if legal is not None:
        return {label_of(action): action for action in legal}
    labels: dict[str, Any] = {}
    for member in members_of(schema):
        labels |= {label_of(choice): choice for choice in choices_of(member)}
        labels |= _LABELS.get(member.get("type", ""), {})
    return labels


def _named(text: str, labels: Mapping[str, Any]) -> Iterator[str]:
    """The labels that occur as whole words, a longer one before one that it contains."""
    if text in labels:
        yield text
    elif labels:
        by_case = {label.casefold(): label for label in labels}
        for match in _any_of(tuple(labels)).finditer(text):
            yield by_case.get(match.group().casefold(), match.group())


@lru_cache(maxsize=256)
def _any_of(labels: tuple[str, ...]) -> re.Pattern[str]:
    pattern = "|".join(map(re.escape, sorted(labels, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)


def _takes_numbers(schema: Schema) -> bool:
    return any(member.get("type") in ("integer", "number") for member in members_of(schema))


def _numbers(text: str) -> Iterator[str]:
    for match in _NUMBER.finditer(text):
        sign = "-" if match.group().startswith("-") else ""
        yield sign + match.group(1).replace(",", "") + (match.group(2) or "")


def _is_complete(found: FoundJson, schema: Schema) -> bool:
    """Whether a value whose end was added has every field that might still have come."""
    return found.whole or any(_has_all(found.value, member) for member in members_of(schema))


def _has_all(value: Any, schema: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    fields = schema.get("properties", {})
    return fields.keys() <= value.keys() and all(
        any(_has_all(value[name], member) for member in members_of(field))
        for name, field in fields.items()
    )
