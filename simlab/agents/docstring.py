"""Docstrings in Google style, as far as tools are described by them."""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_SECTION = re.compile(
    r"(?P<name>Args|Arguments|Attributes|Examples?|Notes?|Raises|Returns|Yields|Warns|Todo)::?\s*"
)
_ARGUMENT = re.compile(r"\*{0,2}(?P<name>\w+)\s*(?:\([^)]*\))?:\s*(?P<words>.*)")


@dataclass(frozen=True, slots=True)
class Docstring:
    """What a docstring says.

    Attributes:
        description: All before its first section, in one line.
        arguments: What it says of each argument, in one line.
    """

    description: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)


def read_docstring(text: str | None) -> Docstring:
    """What a docstring in Google style says; None says nothing."""
    sections: dict[str, list[str]] = {"": []}
    lines = sections[""]
    for line in inspect.cleandoc(text or "").splitlines():
        if (match := _SECTION.fullmatch(line)) is not None:
            lines = sections.setdefault(match.group("name"), [])
        else:
            lines.append(line)
    arguments = sections.get("Args", sections.get("Arguments", []))
    return Docstring(_in_one_line(sections[""]), _read_arguments(arguments))


def _read_arguments(lines: Sequence[str]) -> dict[str, str]:
    """The words of each argument: a line with its name, and all that is indented deeper."""
    depth = min((_indent(line) for line in lines if line.strip()), default=0)
    words: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        match = _ARGUMENT.fullmatch(line.strip()) if _indent(line) == depth else None
        if match is not None:
            current = words[match.group("name")] = [match.group("words")]
        else:
            current.append(line)
    return {name: _in_one_line(said) for name, said in words.items()}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _in_one_line(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines).split())
