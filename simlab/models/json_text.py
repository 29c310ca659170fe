"""JSON in a model's words: where it stands, and what it says although it is written carelessly.

Models wrap JSON in prose and fences, quote with apostrophes, leave commas at the end, and stop in
the middle. `find_json` takes all that is plainly meant and nothing that would have to be guessed.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

_MOST_STARTS = 64
"""So many brackets are tried as the beginning of a value; bounds the cost of a hostile reply."""

_DEEPEST = 64
_FENCE_BEFORE = re.compile(r"```[\w-]*\s*\Z")
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_]\w*")
_NUMBER = re.compile(r"\$?([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.])")
_GROUPED = re.compile(r"\$?([-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?)(?![\w.,]\d)")
_ENDS_STRING = re.compile(r"\s*(?:[,:}\]]|\Z)")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SURROGATES = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}


@dataclass(frozen=True, slots=True)
class FoundJson:
    """A JSON object or list that stands in a text.

    Attributes:
        value: Plain data.
        whole: False: the text ended before the last brackets of objects, which were added; more
            fields might have followed.
    """

    value: Any
    whole: bool = True


def find_json(text: str, *, opening: str = "{[") -> list[FoundJson]:
    """The outermost JSON values in a text: those in fences first, then in order.

    Single quotes, trailing commas, bare names, ``True`` and ``None``, ``$8,500`` and unescaped
    quotes are understood. Where the text ends too early, the brackets of objects are added if the
    last value is whole; a string, a number or a list, or what a comma ends, might have gone on.

    Args:
        text: A model's reply.
        opening: The brackets that a value may begin with.

    Returns:
        At least one value.

    Raises:
        ValueError: None is there, with the reason.
    """
    found = _find_all(_SURROGATES.sub(_one_character, text), opening)
    if not found:
        kinds = " or ".join({"{": "object", "[": "list"}[mark] for mark in opening)
        raise ValueError(f"expected a JSON {kinds}, got no readable one")
    return [value for _, value in sorted(found, key=lambda pair: not pair[0])]


def _find_all(text: str, opening: str) -> list[tuple[bool, FoundJson]]:
    """Each value with whether a fence opens before it."""
    starts = re.compile(f"[{re.escape(opening)}]")
    found: list[tuple[bool, FoundJson]] = []
    at = 0
    for _ in range(_MOST_STARTS):
        start = starts.search(text, at)
        if start is None:
            break
        try:
            value, at = _read(text, start.start())
        except _CutOffError:
            if found:
                break
            raise
        except ValueError:
            at = start.end()
        else:
            fenced = _FENCE_BEFORE.search(text, 0, start.start()) is not None
            found.append((fenced, value))
    return found


def _read(text: str, at: int) -> tuple[FoundJson, int]:
    """The value that begins at a bracket, and where it ends."""
    try:
        value, end = _STRICT.raw_decode(text, at)
    except (ValueError, RecursionError):
        reader = _Reader(text, at)
        value = reader.read_value(0, in_list=False)
        return FoundJson(value, reader.whole), reader.at
    return FoundJson(value), end


def _refuse_constant(name: str) -> float:
    raise ValueError(f"expected a number, got {name}")


_STRICT = json.JSONDecoder(strict=False, parse_constant=_refuse_constant)


class _CutOffError(ValueError):
    """The text ends where it might have gone on in more than one way."""

    def __init__(self) -> None:
        super().__init__("the JSON is cut off: the reply ended before it was complete")


class _Reader:
    """Reads one value of careless JSON from a position on."""

    __slots__ = ("at", "text", "whole")

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.whole = True

    def read_value(self, depth: int, *, in_list: bool) -> Any:
        if depth > _DEEPEST:
            raise ValueError(f"expected JSON at most {_DEEPEST} deep")
        mark = self._next_mark()
        if mark == "{":
            return self._read_object(depth)
        if mark == "[":
            return self._read_list(depth)
        if mark in "\"'":
            return self._read_string(mark)
        return self._read_bare(in_list=in_list)

    def _read_object(self, depth: int) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        self.at += 1
        more = not self._take("}")
        while more:
            name = self._read_name()
            if not self._take(":"):
                raise ValueError(f"expected ':' after {name!r}")
            fields[name] = self.read_value(depth + 1, in_list=False)
            more = self._goes_on("}")
        return fields

    def _read_list(self, depth: int) -> list[Any]:
        items: list[Any] = []
        self.at += 1
        more = not self._take("]")
        while more:
            items.append(self.read_value(depth + 1, in_list=True))
            more = self._goes_on("]")
        return items

    def _goes_on(self, closing: str) -> bool:
        """After a value: whether another follows, with the comma or the bracket taken."""
        self._skip_space()
        if self.at == len(self.text):
            if closing == "]":
                raise _CutOffError
            self.whole = False
            return False
        comma = self._take(",")
        if self._take(closing):
            return False
        if not comma:
            raise ValueError(f"expected ',' or {closing!r}, got {self.text[self.at]!r}")
        return True

    def _read_name(self) -> str:
        mark = self._next_mark()
        if mark in "\"'":
            return self._read_string(mark)
        name = _NAME.match(self.text, self.at)
        if name is None:
            raise ValueError(f"expected the name of a field, got {mark!r}")
        self.at = name.end()
        return name.group()

    def _read_string(self, quote: str) -> str:
        """A quote that neither punctuation nor the end follows belongs to the string."""
        end = self.at
        while True:
            end = self.text.find(quote, end + 1)
            if end < 0:
                raise _CutOffError
            escaped = (end - len(self.text[:end].rstrip("\\"))) % 2 == 1
            if not escaped and _ENDS_STRING.match(self.text, end + 1):
                break
        inside = self.text[self.at + 1 : end]
        self.at = end + 1
        return _ESCAPE.sub(_unescaped, inside)

    def _read_bare(self, *, in_list: bool) -> Any:
        """A word such as ``true``, or a number; ``8,500`` is two numbers in a list."""
        word = _NAME.match(self.text, self.at)
        if word is not None and word.group() in _WORDS:
            self.at = word.end()
            return _WORDS[word.group()]
        number = None if in_list else _GROUPED.match(self.text, self.at)
        number = number or _NUMBER.match(self.text, self.at)
        if number is None:
            if word is not None and word.end() == len(self.text):
                raise _CutOffError
            raise ValueError(f"expected a value, got {self.text[self.at : self.at + 12]!r}")
        if number.end() == len(self.text):
            raise _CutOffError
        self.at = number.end()
        digits = number.group(1).replace(",", "")
        return float(digits) if set(digits) & set(".eE") else int(digits)

    def _next_mark(self) -> str:
        self._skip_space()
        if self.at == len(self.text):
            raise _CutOffError
        return self.text[self.at]

    def _take(self, mark: str) -> bool:
        if self._next_mark() != mark:
            return False
        self.at += 1
        return True

    def _skip_space(self) -> None:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at


def _unescaped(escape: re.Match[str]) -> str:
    code, mark = escape.groups()
    return chr(int(code, 16)) if code else _ESCAPED.get(mark, mark)


def _one_character(escapes: re.Match[str]) -> str:
    """The character that a pair of surrogates stands for; half a pair can be in no UTF-8 file."""
    high, low = escapes.groups()
    if low is None:
        return "\ufffd"
    return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
