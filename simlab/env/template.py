"""Texts with places for variables, such as ``"You are {name}."``; a brace itself is doubled."""

from collections.abc import Collection, Mapping
from string import Formatter

from simlab.find import near

_REMEDY = "write a brace that is none of a variable's as {{ or }}"


def names_in(text: str) -> tuple[str, ...]:
    """The variables that a text names, in their order.

    Raises:
        ValueError: A brace stands alone, or holds anything but a name.
    """
    if "{" not in text and "}" not in text:
        return ()
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error} in {_short(text)!r}; {_REMEDY}") from error
    names = []
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if not name.isidentifier() or form or conversion:
            expected = "expected the name of a variable between braces"
            raise ValueError(f"{expected}, got {{{name}}}; {_REMEDY}")
        names.append(name)
    return tuple(names)


def filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with the value of each variable in its place; values are put in as they are.

    Raises:
        ValueError: The text is none that `names_in` takes, or names an unknown variable.
    """
    check_names(text, variables)
    if "{" not in text and "}" not in text:
        return text
    parts = Formatter().parse(text)
    return "".join(before + (variables[name] if name else "") for before, name, _, _ in parts)


def check_names(text: str, known: Collection[str]) -> None:
    """See that all variables of a text are known.

    Raises:
        ValueError: One is not.
    """
    for name in names_in(text):
        if name not in known:
            raise ValueError(f"unknown variable {{{name}}}; {near(name, sorted(known))}")


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."
