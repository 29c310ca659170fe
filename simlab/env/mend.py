"""Data that nearly fits a space, put right where it is plain what was meant.

Pydantic's lax mode reads ``"0"`` as False and ``"8500"`` as 8500. Beyond that, language models and
people write ``"$8,500"`` for a number, ``" Cooperate. "`` for a choice, and ``Price`` for a key. No
value is guessed: what could be read in two ways stays as it is and is refused.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from simlab.env.reason import Path, closest, parts_of, path_of

_NUMBER = re.compile(
    r"\s*[$€£]?\s*(?P<sign>[-+]?)\s*[$€£]?\s*(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<part>\.\d+)?"
    r"\s*(?:[$€£%]|dollars?|euros?|usd|eur|bucks|points?)?\s*[.!]?\s*",
    re.IGNORECASE,
)
_LITERAL = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+""")
"""A choice as pydantic lists it: ``'a', 'b' or 3``."""
_AROUND = " \t\r\n.,;:!*`\"'"


def mend(data: Any, errors: Sequence[ErrorDetails]) -> Any:
    """`data` with every error put right that has one plain meaning.

    Args:
        data: What did not fit; not changed.
        errors: What pydantic found wrong with it.

    Returns:
        A corrected copy; equal to `data` where nothing could be mended.
    """
    for fault in closest(errors, data):
        path = path_of(fault, data)
        if fault["type"] == "missing":
            data = _replaced(data, path[:-1], _renamed(fault["input"], str(path[-1])))
        else:
            data = _replaced(data, path, _mended(fault))
    return data


def trimmed(text: str) -> str:
    """`text` in lower case, without blanks, quotes and stops around it; to compare choices by."""
    return text.strip(_AROUND).casefold()


def _mended(fault: ErrorDetails) -> Any:
    mending = _MENDINGS.get(fault["type"])
    if mending is None or not isinstance(fault["input"], str):
        return fault["input"]
    return mending(fault["input"], fault)


def _number(text: str, _fault: ErrorDetails) -> str | float:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    whole = match["sign"] + match["digits"].replace(",", "")
    return float(whole + match["part"]) if match["part"] else int(whole)


def _choice(text: str, fault: ErrorDetails) -> str | int:
    """The one choice that `text` is but for case, blanks, quotes and stops."""
    choices = map(ast.literal_eval, _LITERAL.findall(fault["ctx"]["expected"]))
    same = [choice for choice in choices if trimmed(str(choice)) == trimmed(text)]
    return same[0] if len(same) == 1 else text


def _truth(text: str, _fault: ErrorDetails) -> str:
    return trimmed(text)


_MENDINGS: Mapping[str, Callable[[str, ErrorDetails], str | float]] = {
    "int_parsing": _number,
    "float_parsing": _number,
    "bool_parsing": _truth,
    "literal_error": _choice,
    "enum": _choice,
}


def _renamed(found: Any, name: str) -> Any:
    """The object `found` with the key that differs from `name` only in case or blanks renamed."""
    if not isinstance(found, Mapping):
        return found
    keys = [key for key in found if isinstance(key, str) and trimmed(key) == trimmed(name)]
    if len(keys) != 1:
        return found
    return {name if key == keys[0] else key: value for key, value in found.items()}


def _replaced(data: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    parts = parts_of(data)
    changed = {**parts, path[0]: _replaced(parts[path[0]], path[1:], value)}
    return list(changed.values()) if isinstance(data, list | tuple) else changed
