"""What was filled in: the plain data of an answer, from the values of a form's inputs."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from simlab.agents.questions import is_within
from simlab.apps.fields import Field, form_of, inputs_of, is_line
from simlab.env.environment import UNSET
from simlab.errors import UnfitAnswerError
from simlab.models.schema_words import kind_in_words

_NUMBER = re.compile(r"\$?([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?)")
_TRUTHS: Mapping[str, Any] = {"yes": True, "true": True, "no": False, "false": False}


def answer_of(form: Field, values: Sequence[Any]) -> Any:
    """The answer that somebody has filled in.

    Args:
        form: The fields.
        values: Of its inputs, in the order of `inputs_of`: True and False, and texts, which of a
            choice is the place of what was chosen; None or an empty text for nothing.

    Raises:
        UnfitAnswerError: A field is empty that must not be, or not as it is to be.
    """
    answer = _read(form, iter(values))
    return None if answer is UNSET else answer


def _read(form: Field, values: Iterator[Any]) -> Any:
    if form.kind == "nothing":
        return None if form.must_be_filled else form.empty
    if form.kind == "union":
        return _read_union(form, values)
    if form.kind == "group":
        given = {part.key: _read(part, values) for part in form.parts}
        return {key: value for key, value in given.items() if value is not UNSET}
    if form.kind == "list":
        items = [_read(part, values) for part in form.parts]
        return [item for item in items if item is not UNSET]
    return _read_input(form, next(values))


def _read_union(form: Field, values: Iterator[Any]) -> Any:
    """What stands in the part that was chosen; what stands in the others is passed over."""
    chosen, answer = int(next(values) or 0), None
    for place, part in enumerate(form.parts):
        own = [next(values) for _ in inputs_of(part)]
        if place == chosen:
            answer = _read(part, iter(own))
    return answer


def _read_input(form: Field, value: Any) -> Any:
    if form.kind in ("text", "words"):
        return _read_text(form, value or "")
    if value is None or value == "":
        return _read_nothing(form)
    return _READERS[form.kind](form, value)


def _read_choice(form: Field, place: str) -> Any:
    return form.options[int(place)]


def _read_truth(_: Field, value: bool) -> bool:
    return bool(value)


def _read_json(form: Field, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _misfit(form, text) from error


def _read_nothing(form: Field) -> Any:
    if form.kind == "lines" and not form.schema.get("minItems"):
        return [] if form.must_be_filled else form.empty
    if form.must_be_filled:
        raise _misfit(form, None)
    return form.empty


def _read_text(form: Field, text: str) -> Any:
    if not text and not form.must_be_filled:
        return form.empty
    if not is_within(form.schema, text):
        raise _misfit(form, text)
    return text


def _read_number(form: Field, value: str) -> Any:
    try:
        number = _number_in(value)
    except ValueError as error:
        raise _misfit(form, value) from error
    wants_whole = form.schema.get("type") == "integer"
    if (wants_whole and not isinstance(number, int)) or not is_within(form.schema, number):
        raise _misfit(form, value)
    return number


def _number_in(text: str) -> float:
    """A number as it was typed, such as ``$5,500``; a whole one is an integer.

    Raises:
        ValueError: It is none.
    """
    match = _NUMBER.fullmatch(text.strip().replace(",", ""))
    if match is None:
        raise ValueError(f"expected a number, got {text!r}")
    digits = match.group(1)
    if digits.lstrip("+-").isdecimal():
        return int(digits)
    number = float(digits)
    return int(number) if number.is_integer() else number


def _read_lines(form: Field, text: str) -> list[Any]:
    """An item in each line that is not empty."""
    item = form_of(form.schema.get("items", {}))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    least, most = form.schema.get("minItems", 0), form.schema.get("maxItems", len(lines))
    if not least <= len(lines) <= most:
        raise _misfit(form, text)
    return [_read_line(form, item, line) for line in lines]


def _read_line(form: Field, item: Field, line: str) -> Any:
    """An item; a choice is written as its label, and a truth as yes or no."""
    if item.kind not in ("choice", "truth"):
        return _read_json(form, line) if not is_line(item) else _read_input(item, line)
    known: Mapping[str, Any] = (
        _TRUTHS if item.kind == "truth" else dict(zip(item.labels, item.options, strict=True))
    )
    if line not in known:
        raise _misfit(form, line)
    return known[line]


def _misfit(form: Field, value: Any) -> UnfitAnswerError:
    got = "nothing" if value is None else repr(value)
    wanted = " or ".join(form.labels) if form.labels else kind_in_words(form.schema)
    return UnfitAnswerError(f"{form.label or 'the answer'} must be {wanted}, got {got}")


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    "choice": _read_choice,
    "truth": _read_truth,
    "number": _read_number,
    "lines": _read_lines,
    "json": _read_json,
}
